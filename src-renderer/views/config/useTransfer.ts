/** The config center out to a file and back in; what comes in becomes drafts, nothing is released. */
import { useI18n } from 'vue-i18n';
import { call, shell } from '../../bridge';
import { useToast } from '../../parts/toasts';
import { useActs } from '../useActs';

export function useTransfer(changed: () => void): { exportAll: () => Promise<void>; importFile: () => Promise<void> } {
  const { t } = useI18n();
  const { run } = useActs();
  const toast = useToast();

  async function exportAll(): Promise<void> {
    await run(async () => {
      const { name, text } = await call('config.export', {});
      await shell().saveText(name, text);
    });
  }

  function pick(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const input = document.createElement('input');
      input.type = 'file';
      input.accept = '.json,application/json';
      input.addEventListener(
        'change',
        () => void (input.files?.[0]?.text() ?? Promise.resolve(undefined)).then(resolve),
      );
      input.addEventListener('cancel', () => resolve(undefined));
      input.click();
    });
  }

  async function importFile(): Promise<void> {
    const text = await pick();
    if (text === undefined) return;
    await run(async () => {
      const looked = await call('config.import', { text });
      const refused = looked.steps.filter((step) => step.act === 'refuse').length + looked.problems.length;
      if (refused > 0) {
        toast.fail(looked.problems[0]?.message ?? t('config.importRefused', { count: refused }));
        return;
      }
      const done = await call('config.import', { text, apply: true });
      const made = done.steps.filter((step) => step.act === 'create' || step.act === 'change').length;
      toast.say(t('config.imported', { count: made }));
      changed();
    });
  }
  return { exportAll, importFile };
}
