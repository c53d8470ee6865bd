/** Runs acts of the user: one sentence when it worked, the problem's own words when it did not. */
import { useToast } from '../parts/toasts';
import { toProblem } from '../../src-main/contract/errors';

export function useActs(): { run: (act: () => Promise<unknown>, done?: string) => Promise<boolean> } {
  const toast = useToast();
  return {
    async run(act, done) {
      try {
        await act();
        if (done) toast.say(done);
        return true;
      } catch (thrown) {
        const problem = toProblem(thrown);
        toast.fail(problem.hint ? `${problem.message} ${problem.hint}` : problem.message);
        return false;
      }
    },
  };
}
