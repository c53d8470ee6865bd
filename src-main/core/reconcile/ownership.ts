/** The one question before every engine write: is this container ours? A label alone proves nothing, images can carry it (F9, I4). */
import type { ContainerSummary } from '../engine';
import type { AttemptRow } from '../store';
import { containerLabels, label } from './names';

/**
 * True when the container is the one this attempt made. Once the attempt knows its container's id, only that id counts. Before
 * (the answer to `create` was lost) the name and every label must be what we would have written.
 */
export function isOurs(container: ContainerSummary, attempt: AttemptRow, installId: string): boolean {
  // Taken over by its id, at the user's word: it never had a label of ours.
  if (attempt.adopted === true) return container.id === attempt.containerId;
  if (container.labels[label.install] !== installId) return false;
  if (attempt.containerId !== undefined) return container.id === attempt.containerId;
  if (container.name !== attempt.name) return false;
  return Object.entries(containerLabels(attempt, installId)).every(([key, value]) => container.labels[key] === value);
}
