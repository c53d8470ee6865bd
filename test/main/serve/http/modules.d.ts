/** The parts we use of clients that bring no types, or wrong ones. */
declare module 'ctrip-apollo' {
  interface Namespace {
    ready(): Promise<unknown>;
    config(): Record<string, string>;
    get(key: string): string | undefined;
  }
  export default function apollo(options: Record<string, unknown>): {
    cluster(name: string): { namespace(name: string): Namespace; enableUpdateNotification(enable: boolean): void };
  };
}
