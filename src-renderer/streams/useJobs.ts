/** Long acts on volumes and images as they go: the newest first, while the screen is shown. */
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue';
import type { JobView } from '../../src-main/contract/api/storage';
import { open } from '../bridge';

/** `ended` is called once for every act that ends while this is watched. */
export function useJobs(ended: (job: JobView) => void): ShallowRef<JobView[]> {
  const rows = shallowRef<JobView[]>([]);
  const known = new Map<string, JobView>();
  const stream = open(
    'storage.watch',
    {},
    {
      item({ reset, put, gone }) {
        if (reset) known.clear();
        for (const id of gone) known.delete(id);
        for (const job of put) {
          const before = known.get(job.id);
          known.set(job.id, job);
          if (!reset && before?.state !== job.state && job.state !== 'running') ended(job);
        }
        rows.value = [...known.values()].reverse();
      },
    },
  );
  onScopeDispose(() => stream.dispose());
  return rows;
}
