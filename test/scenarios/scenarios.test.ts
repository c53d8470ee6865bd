import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { duration, parseScenarios, play } from './runner';

const folder = import.meta.dirname;

for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
  describe(file, () => {
    it.each(parseScenarios(readFileSync(join(folder, file), 'utf8')).map((one) => [one.name, one] as const))(
      '%s',
      async (_name, scenario) => {
        await play(scenario);
      },
    );
  });
}

describe('the runner', () => {
  it('refuses lines it does not know, and says which', async () => {
    expect(() => parseScenarios('scenario: x\nmaybe this')).toThrow('line 2');
    const [one] = parseScenarios('scenario: x\nwhen dance');
    await expect(play(one as NonNullable<typeof one>)).rejects.toThrow('line 2');
    const [two] = parseScenarios('scenario: x\nthen running web');
    await expect(play(two as NonNullable<typeof two>)).rejects.toThrow('it is "", not "web"');
    expect(duration('1.5s')).toBe(1500);
  });
});
