/**
 * The messages of this language: every area is a file that exports `messages`, and its name is the first word of its keys
 * (`frame.ts` → `frame.tape.live`). `words.ts` and `…Words.ts` are no areas: they hold
 * sentences of the core.
 */
const areas = import.meta.glob<Record<string, unknown>>(['./*.ts', '!./index.ts', '!./*[wW]ords.ts'], {
  eager: true,
  import: 'messages',
});

export const messages: Record<string, Record<string, unknown>> = Object.fromEntries(
  Object.entries(areas).map(([path, area]) => [path.slice(2, -3), area]),
);
