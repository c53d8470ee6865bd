/** The config center out to a file and back in; what comes in becomes drafts, nothing is released. */
import { useI18n } from 'vue-i18n';
import { call, shell } from '../../bridge';
import { useToast } from '../../parts/toasts';
import { useActs } from '../useActs';

/** The words every zip begins with. */
const zipSignature = 'PK';

export function useTransfer(changed: () => void): {
  exportAll: () => Promise<void>;
  exportFiles: () => Promise<void>;
  importFile: () => Promise<void>;
} {
  const { t } = useI18n();
  const { run } = useActs();
  const toast = useToast();

  async function exportAll(): Promise<void> {
    await run(async () => {
      const { name, text } = await call('config.export', {});
      await shell().saveText(name, text);
    });
  }

  async function exportFiles(): Promise<void> {
    await run(async () => {
      const { name, content } = await call('config.exportZip', {});
      await shell().saveBytes(
        name,
        Uint8Array.from(atob(content), (character) => character.charCodeAt(0)),
      );
    });
  }

  function pick(): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      const input = document.createElement('input');
      input.type = 'file';
      input.accept = '.json,.zip,application/json,application/zip';
      input.addEventListener(
        'change',
        () => void input.files?.[0]?.arrayBuffer().then((content) => resolve(new Uint8Array(content))),
      );
      input.addEventListener('cancel', () => resolve(undefined));
      input.click();
    });
  }

  async function importFile(): Promise<void> {
    const bytes = await pick();
    if (bytes === undefined) return;
    const latin1 = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
    const hand = (apply: boolean): ReturnType<typeof call<'config.import'>> =>
      latin1.startsWith(zipSignature)
        ? call('config.importZip', { content: btoa(latin1), apply })
        : call('config.import', { text: new TextDecoder().decode(bytes), apply });
    await run(async () => {
      const looked = await hand(false);
      const refused = looked.steps.filter((step) => step.act === 'refuse').length + looked.problems.length;
      if (refused > 0) {
        toast.fail(looked.problems[0]?.message ?? t('config.importRefused', { count: refused }));
        return;
      }
      const done = await hand(true);
      const made = done.steps.filter((step) => step.act === 'create' || step.act === 'change').length;
      toast.say(t('config.imported', { count: made }));
      changed();
    });
  }
  return { exportAll, exportFiles, importFile };
}
