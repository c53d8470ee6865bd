import { onScopeDispose, readonly, ref } from 'vue';
import type { Ref } from 'vue';

async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return writeBySelection(text);
  }
}

// The clipboard API is refused where permissions are denied by default; a copied selection is not
function writeBySelection(text: string): boolean {
  const field = document.createElement('textarea');
  field.value = text;
  field.setAttribute('aria-hidden', 'true');
  field.style.position = 'fixed';
  field.style.opacity = '0';
  const focused = document.activeElement;
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}

/** Copies text and says for 1.5 s that it did. `copy` answers whether the clipboard took it. */
export function useCopy(): { copied: Readonly<Ref<boolean>>; copy: (text: string) => Promise<boolean> } {
  const copied = ref(false);
  let timer: ReturnType<typeof setTimeout> | undefined;
  onScopeDispose(() => clearTimeout(timer));
  return {
    copied: readonly(copied),
    async copy(text) {
      const done = await write(text);
      copied.value = done;
      clearTimeout(timer);
      timer = setTimeout(() => (copied.value = false), 1500);
      return done;
    },
  };
}
