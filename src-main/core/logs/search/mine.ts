/**
 * What kinds of lines there are: values in a line are masked, and lines of equal length that differ in few words become one template,
 * after Drain (He, Zhu, Zheng, Lyu: “Drain: An Online Log Parsing Approach with Fixed Depth Tree”, ICWS 2017). Pure and bounded: what
 * falls over a bound is counted as `others`.
 */
import { fieldsOf } from '../ingest/fields';

/** Characters and words of a line that are looked at. */
const longestLine = 500;
const mostWords = 60;
/** Templates in all, and those that begin alike. */
const mostTemplates = 2000;
const mostAlike = 100;
/** Masked lines whose template is remembered. */
const mostRemembered = 20_000;
/** Share of words that must be equal. */
const likeness = 0.6;
const mostServices = 10;
const wild = '<*>';

/** The parts of a line that are values. Every expression is linear: lines are written by strangers. */
const masks: readonly [RegExp, string][] = [
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?/g, '<time>'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '<id>'],
  [/\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d{1,5})?\b/g, '<ip>'],
  [/\b0x[0-9a-f]{1,32}\b/gi, '<hex>'],
  [/\b(?=[a-f]{0,64}\d)[0-9a-f]{8,64}\b/gi, '<hex>'],
  [/\d+(?:\.\d+)?/g, '<n>'],
];

export interface Template {
  words: string[];
  /** Lines of the time that is asked about, and of the time it is compared with. */
  count: number;
  before: number;
  /** The worst: greater numbers are worse. */
  level: number;
  services: Set<string>;
  example: string;
  /** Microseconds; of the lines that are counted in `count`, or in `before` when there are none. */
  first: number;
  last: number;
}

/** A line as the miner takes it. */
export interface MinedLine {
  /** Without escapes. */
  text: string;
  level: number;
  service: string;
  time: number;
  /** Of the time it is compared with. */
  before: boolean;
}

export class Miner {
  readonly templates: Template[] = [];
  lines = 0;
  linesBefore = 0;
  /** Lines that found no place. */
  others = 0;
  private readonly remembered = new Map<string, Template>();
  private readonly alike = new Map<string, Template[]>();

  offer(line: MinedLine): void {
    if (line.before) this.linesBefore += 1;
    else this.lines += 1;
    const text = messageOf(line.text);
    const masked = mask(text);
    const template = this.remembered.get(masked) ?? this.place(masked, text);
    if (!template) {
      this.others += 1;
      return;
    }
    if (this.remembered.size < mostRemembered) this.remembered.set(masked, template);
    this.count(template, line, text);
  }

  private count(template: Template, line: MinedLine, text: string): void {
    if (line.before) {
      template.before += 1;
      if (template.count > 0) return;
    } else {
      template.count += 1;
      // What is shown is about the time that is asked about.
      if (template.count === 1) {
        template.example = text;
        template.first = template.last = line.time;
        template.services.clear();
        template.level = line.level;
      }
    }
    template.first = Math.min(template.first, line.time);
    template.last = Math.max(template.last, line.time);
    template.level = Math.max(template.level, line.level);
    if (template.services.size < mostServices) template.services.add(line.service);
  }

  /** The nearest template of as many words that begins alike, made wider where it differs; or a new one. */
  private place(masked: string, example: string): Template | undefined {
    const words = masked.split(/\s+/, mostWords);
    const head = words[0] ?? '';
    const key = `${words.length} ${head.includes('<') ? wild : head}`;
    const group = this.alike.get(key) ?? [];
    let best: { template: Template; equal: number } | undefined;
    for (const template of group) {
      const equal = template.words.reduce((sum, word, at) => sum + (word === words[at] ? 1 : 0), 0);
      if (!best || equal > best.equal) best = { template, equal };
    }
    if (best && best.equal >= words.length * likeness) {
      const { template } = best;
      template.words = template.words.map((word, at) => (word === words[at] ? word : wild));
      return template;
    }
    if (this.templates.length >= mostTemplates || group.length >= mostAlike) return undefined;
    const made: Template = {
      words,
      count: 0,
      before: 0,
      level: 0,
      services: new Set(),
      example,
      first: Number.POSITIVE_INFINITY,
      last: Number.NEGATIVE_INFINITY,
    };
    this.templates.push(made);
    this.alike.set(key, [...group, made]);
    return made;
  }
}

/** A line with its values masked. */
export function mask(text: string): string {
  let masked = text;
  for (const [expression, name] of masks) masked = masked.replace(expression, name);
  return masked;
}

/** What a structured line says; other lines are what they say. The first row of several. */
function messageOf(text: string): string {
  const first = (text.split('\n', 1)[0] ?? '').trim();
  const fields = first.startsWith('{') || first.includes('msg=') ? fieldsOf(first) : undefined;
  const said = fields?.['msg'] ?? fields?.['message'] ?? fields?.['event'];
  return (typeof said === 'string' && said !== '' ? said : first).slice(0, longestLine);
}
