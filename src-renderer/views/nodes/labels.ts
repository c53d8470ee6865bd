/** Labels as one types them: `disk=ssd, zone=a`. */

export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
}

/** Undefined when the text is no list of labels. */
export function parseLabels(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  for (const part of text.split(/[,\n]/)) {
    const label = part.trim();
    if (label === '') continue;
    const match = /^([a-zA-Z0-9][a-zA-Z0-9._/-]{0,127})=([^,]{0,256})$/.exec(label);
    if (!match?.[1] || match[2] === undefined) return undefined;
    labels[match[1]] = match[2].trim();
  }
  return labels;
}
