/** Certificates as the core tells them, live: a renewal is seen when it happens. */
import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from 'vue';
import type { CertificatesView } from '../../src-main/contract/api/certificates';
import type { OpenedStream } from '../../src-main/contract/client';
import type { Problem } from '../../src-main/contract/errors';
import { open } from '../bridge';

export interface CertificatesStream {
  view: ShallowRef<CertificatesView>;
  loaded: Ref<boolean>;
  problem: ShallowRef<Problem | undefined>;
  retry(): void;
}

export function useCertificates(): CertificatesStream {
  const view = shallowRef<CertificatesView>({ certificates: [] });
  const loaded = ref(false);
  const problem = shallowRef<Problem>();
  let stream: OpenedStream | undefined;

  function begin(): void {
    stream?.dispose();
    problem.value = undefined;
    stream = open(
      'certificates.watch',
      {},
      {
        item(next) {
          view.value = next;
          loaded.value = true;
        },
        end(cause) {
          problem.value = cause;
          loaded.value = true;
        },
      },
    );
  }
  begin();
  onScopeDispose(() => stream?.dispose());
  return { view, loaded, problem, retry: begin };
}
