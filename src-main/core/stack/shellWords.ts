/** A command given as one text, split the way Compose splits it (go-shellwords): quotes and backslashes, no variables, no globs. */

/** The words, and whether something went wrong or was cut off. */
export interface ShellWords {
  words: string[];
  /** `quote`: a quote is not closed. `operator`: Compose ignores everything from an unquoted `;`, `&`, `|`, `<` or `>` on. */
  fault?: 'quote' | 'operator';
}

/** Splits a command. */
export function splitWords(text: string): ShellWords {
  const words: string[] = [];
  let word = '';
  let open = false;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === '\\' && quote !== "'") {
      word += text[++at] ?? '';
      open = true;
    } else if (quote !== '') {
      if (character === quote) quote = '';
      else word += character;
    } else if (character === '"' || character === "'") {
      quote = character;
      open = true;
    } else if (/\s/.test(character)) {
      if (open) words.push(word);
      word = '';
      open = false;
    } else if (/[;&|<>]/.test(character)) {
      // As go-shellwords: a digit before `>` belongs to the redirection, not to the words.
      if (open && !(character === '>' && /^[0-9]/.test(word))) words.push(word);
      return { words, fault: 'operator' };
    } else {
      word += character;
      open = true;
    }
  }
  if (open) words.push(word);
  return quote === '' ? { words } : { words, fault: 'quote' };
}
