/** The reader's language, like `ko-KR`. JupyterLab 4.2 names none where nobody has chosen one. */
export function languageOf(translator: { readonly languageCode?: string } | null): string {
  return (translator?.languageCode ?? 'en').replace('_', '-');
}
