import table from '../../../nbflow/render/tokens.json';

export interface Colours {
  readonly ink: string;
  readonly fill: string;
  readonly line: string;
}

export interface StateLook {
  readonly word: { readonly en: string; readonly ko: string };
  /** A path in a box of 16 by 16, drawn as a stroke. */
  readonly icon: string;
  readonly light: Colours;
  readonly dark: Colours;
}

export interface EdgeLook {
  readonly dash: string;
  readonly width: number;
}

interface Tokens {
  readonly font: string;
  readonly surfaces: Readonly<Record<string, { readonly light: string; readonly dark: string }>>;
  readonly states: Readonly<Record<string, StateLook>>;
  readonly edges: Readonly<Record<string, EdgeLook>>;
  readonly marks: Readonly<Record<string, string>>;
}

/** The visual language, from the file that the pictures and the terminal read, too. */
export const tokens = table as Tokens;
