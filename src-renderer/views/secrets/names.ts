/** Whether secrets and certificates may be called so; the core says the same when it is asked. */
export function isName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(text);
}
