import type { ParameterForm } from '../api/types';

/** How a parameter is asked for. */
export type FieldKind = 'bool' | 'int' | 'float' | 'date' | 'text';

export type FieldValue = string | boolean;

export interface Field {
  readonly name: string;
  readonly kind: FieldKind;
  /** The type as the notebook has it. */
  readonly type: string;
  readonly help: string;
  /** What stands in the field before anything is changed. */
  readonly initial: FieldValue;
}

const WHOLE = /^[+-]?\d[\d_]*$/;
const DECIMAL = /^[+-]?(\d[\d_]*\.?\d*|\.\d+)(e[+-]?\d+)?$|^[+-]?(inf|nan)$/i;
const DATE = /^(?:\w+\.)*date\((\d{1,4}),\s*(\d{1,2}),\s*(\d{1,2}),?\)$/;
const PLAIN_TEXT = /^(['"])((?:(?!\1)[^\\\n])*)\1$/;
const PATH = /^(?:\w+\.)?Path\((['"])((?:(?!\1)[^\\\n])*)\1\)$/;

/** The field for a parameter: its default stands in it, in plain words where it has them. */
export function fieldOf({ name, type, default: source, help }: ParameterForm): Field {
  const kind = kindOf(type, source);
  return { name, kind, type, help, initial: initialOf(kind, source) };
}

/** Whether text can't be a value of the kind; the server knows better about the rest. */
export function isWrong(kind: FieldKind, value: FieldValue): boolean {
  if (typeof value === 'boolean') {
    return false;
  }
  switch (kind) {
    case 'int':
      return !WHOLE.test(value.trim());
    case 'float':
      return !DECIMAL.test(value.trim());
    case 'date':
      return !/^\d{4}-\d{2}-\d{2}$/.test(value);
    default:
      return false;
  }
}

/** The values that are others than the defaults: only these make a run differ from the notebook. */
export function changedValues(
  fields: readonly Field[],
  values: ReadonlyMap<string, FieldValue>
): Record<string, FieldValue> {
  const found: Record<string, FieldValue> = {};
  for (const { name, initial } of fields) {
    const value = values.get(name);
    if (value !== undefined && value !== initial) {
      found[name] = value;
    }
  }
  return found;
}

function kindOf(type: string, source: string): FieldKind {
  if (type === 'bool' && (source === 'True' || source === 'False')) {
    return 'bool';
  }
  if (type === 'int' && WHOLE.test(source)) {
    return 'int';
  }
  if (type === 'float' && DECIMAL.test(source)) {
    return 'float';
  }
  return type === 'date' && DATE.test(source) ? 'date' : 'text';
}

function initialOf(kind: FieldKind, source: string): FieldValue {
  if (kind === 'bool') {
    return source === 'True';
  }
  if (kind === 'date') {
    const [, year = '', month = '', day = ''] = DATE.exec(source) ?? [];
    return `${year.padStart(4, '0')}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  }
  return PLAIN_TEXT.exec(source)?.[2] ?? PATH.exec(source)?.[2] ?? source;
}
