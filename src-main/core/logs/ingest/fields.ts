/**
 * Named values in a line: JSON (flattened to two levels), logfmt, access logs, syslog, klog. Derived from the text whenever they are
 * wanted, so they cost no space and can grow better without rewriting history.
 */
import { jsonObject, type JsonObject } from './json';

export type FieldValue = string | number | boolean | null;
export type Fields = Record<string, FieldValue>;

/** At most so many fields of one line, and so many characters of one value. */
export const maxFields = 64;
const longestValue = 1024;
const longestName = 128;

const pair = /(?<![^\s[({,;|])([A-Za-z_@][\w.@/-]{0,127})=(?:"((?:[^"\\]|\\.)*)"|([^\s",;\])}]*))/g;
const access =
  /^(\S+) \S+ (\S+) \[([^\]]{1,64})\] "([A-Z]{3,10}) (\S+)(?: (HTTP\/[\d.]+))?" (\d{3}) (\d+|-)(?: "([^"]*)" "([^"]*)")?/;
const klog = /^([IWEF])\d{4} \d\d:\d\d:\d\d\.\d+\s+(\d+) ([\w./-]+:\d+)\] /;
const syslog =
  /^(?:<(\d{1,3})>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (\S{1,255}) ([\w./()-]{1,64})(?:\[(\d+)\])?: /;

/** The fields of a plain line, or undefined when it has none. Names and values are untrusted text. */
export function fieldsOf(text: string): Fields | undefined {
  const fields = new FieldSet();
  if (text.charCodeAt(0) === 0x7b) {
    const json = jsonObject(text);
    if (json) {
      flatten(json, fields);
      return fields.result();
    }
  }
  // The text after the first line of a group is a stack trace; its `a=b` are code, not fields.
  const lineEnd = text.indexOf('\n');
  const head = (lineEnd < 0 ? text : text.slice(0, lineEnd)).slice(0, 8192);
  if (head.includes('" ')) readAccess(head, fields);
  readPrefix(head, fields);
  if (head.includes('=')) {
    pair.lastIndex = 0;
    for (let match = pair.exec(head); match && !fields.full; match = pair.exec(head)) {
      const quoted = match[2];
      if (quoted !== undefined) fields.set(match[1] ?? '', quoted.includes('\\') ? unescape(quoted) : quoted);
      else if (match[3]) fields.set(match[1] ?? '', scalar(match[3]));
    }
  }
  return fields.result();
}

class FieldSet {
  private fields: Fields | undefined;
  private count = 0;

  get full(): boolean {
    return this.count >= maxFields;
  }

  /** The first value of a name stays. */
  set(name: string, value: FieldValue): void {
    if (this.full || name === '' || name === '__proto__' || name.length > longestName) return;
    // Without a prototype, so that a field called `constructor` is just a field.
    this.fields ??= Object.create(null) as Fields;
    if (name in this.fields) return;
    this.fields[name] = typeof value === 'string' && value.length > longestValue ? value.slice(0, longestValue) : value;
    this.count += 1;
  }

  result(): Fields | undefined {
    return this.fields;
  }
}

function flatten(json: JsonObject, fields: FieldSet): void {
  for (const name of Object.keys(json)) {
    if (fields.full) return;
    const value = json[name];
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const inner of Object.keys(value)) {
        if (fields.full) return;
        fields.set(`${name}.${inner}`, toScalar((value as JsonObject)[inner]));
      }
    } else fields.set(name, toScalar(value));
  }
}

function toScalar(value: unknown): FieldValue {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return value;
    default:
      return value === null || value === undefined ? null : JSON.stringify(value);
  }
}

function readAccess(head: string, fields: FieldSet): void {
  const match = access.exec(head);
  if (!match) return;
  fields.set('client', match[1] ?? '');
  if (match[2] !== '-') fields.set('user', match[2] ?? '');
  fields.set('method', match[4] ?? '');
  fields.set('path', match[5] ?? '');
  if (match[6]) fields.set('protocol', match[6]);
  fields.set('status', Number(match[7]));
  if (match[8] !== '-') fields.set('bytes', Number(match[8]));
  if (match[9] && match[9] !== '-') fields.set('referrer', match[9]);
  if (match[10]) fields.set('agent', match[10]);
}

function readPrefix(head: string, fields: FieldSet): void {
  const go = klog.exec(head);
  if (go) {
    fields.set('thread', Number(go[2]));
    fields.set('file', go[3] ?? '');
    return;
  }
  const old = syslog.exec(head);
  if (!old) return;
  if (old[1]) fields.set('facility', Number(old[1]) >> 3);
  fields.set('host', old[2] ?? '');
  fields.set('app', old[3] ?? '');
  if (old[4]) fields.set('pid', Number(old[4]));
}

function scalar(text: string): FieldValue {
  if (text === 'true') return true;
  if (text === 'false') return false;
  return /^-?\d{1,15}(?:\.\d{1,9})?$/.test(text) ? Number(text) : text;
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_all, one: string) => (one === 'n' ? '\n' : one === 't' ? '\t' : one));
}
