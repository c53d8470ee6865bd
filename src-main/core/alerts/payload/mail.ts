/** A notice as a mail, with plain text and HTML of the same content. */
import { listOf, subjectOf, titleOf, type Notice } from './text';

export function mailBody(notice: Notice): { subject: string; text: string; html: string } {
  const title = titleOf(notice);
  const lines = listOf(notice, { most: 100 });
  const details = notice.firing.slice(0, 20).flatMap(({ name, labels, annotations, activeAt }) => {
    const description = annotations['description'];
    const since = new Date(activeAt).toISOString();
    return [
      `${name} ${subjectOf(labels)}`.trim(),
      `  since ${since}`,
      ...(description ? [`  ${description}`] : []),
      '',
    ];
  });
  const text = [
    title,
    '',
    ...lines.map(({ text: line, over }) => `${over ? 'Well again: ' : '- '}${line}`),
    '',
    ...details,
  ].join('\n');
  const items = lines.map(({ text: line, over }) => `<li>${over ? '<b>Well again:</b> ' : ''}${escapeHtml(line)}</li>`);
  const html = `<h3>${escapeHtml(title)}</h3><ul>${items.join('')}</ul><pre>${escapeHtml(details.join('\n'))}</pre>`;
  return { subject: title, text, html };
}

function escapeHtml(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (char) => names[char] ?? char);
}
