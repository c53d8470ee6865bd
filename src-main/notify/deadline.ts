/** Work with an end: what takes longer is given up. */

export class TooLate extends Error {
  override readonly name = 'TooLate';
}

/** Rejects with `TooLate` after so many milliseconds, and tells the work by its signal. */
export async function within<Result>(
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const control = new AbortController();
  let handle: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    handle = setTimeout(() => {
      reject(new TooLate());
      control.abort();
    }, milliseconds);
  });
  try {
    const running = work(control.signal);
    running.catch(() => undefined);
    return await Promise.race([running, late]);
  } finally {
    clearTimeout(handle);
  }
}
