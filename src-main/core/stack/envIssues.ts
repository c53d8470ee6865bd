import type { EnvIssue } from './dotenv';
import type { Report } from './report';

/** Tells what is wrong in an env file, with its line. */
export function reportEnvIssue(report: Report, file: string, issue: EnvIssue): void {
  const spot = { place: { file, line: issue.line } };
  switch (issue.kind) {
    case 'invalid':
      return report.problem('compose.variableInvalid', { text: issue.text }, spot);
    case 'required':
      return issue.message === ''
        ? report.problem('compose.variableRequired', { name: issue.name }, spot)
        : report.problem('compose.variableRequiredBecause', { name: issue.name, reason: issue.message }, spot);
    case 'unset':
      return report.warning('compose.variableUnset', { name: issue.name }, spot, 'bad-input');
    case 'too-large':
      return report.problem('compose.valueTooLarge', {}, spot, 'too-large');
    case 'name':
      return report.problem('compose.envName', { text: issue.text }, spot);
    case 'unclosed':
      return report.problem('compose.envUnclosed', { name: issue.name }, spot);
    case 'trailing':
      return report.problem('compose.envTrailing', { name: issue.name }, spot);
  }
}
