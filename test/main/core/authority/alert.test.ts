/** The rule that comes along, on the figure that the authority records. */
import { expect, it } from 'vitest';
import { caller, defaultRules, minute, world } from '../alerts/world';

const day = 86_400;

it('warns of a certificate that expires within a week, and of no other', async () => {
  const the = world({ defaults: defaultRules });
  const rules = await the.alerts.calls['rules.list']({}, caller);
  expect(rules.find(({ id }) => id === 'CertificateExpiring')).toBeDefined();
  the.script = {
    'certificate_expires_seconds{name="theirs"}': (elapsed) => 7 * day + 60 - elapsed / 1000,
    'certificate_expires_seconds{name="shop/web"}': (elapsed) => 30 * day - elapsed / 1000,
  };
  await the.play(5 * minute);
  expect(await the.states()).toEqual(['Certificate expires - pending']);
  await the.play(3 * minute);
  const [alert, ...others] = await the.views();
  expect(others).toEqual([]);
  expect(alert).toMatchObject({ name: 'Certificate expires', state: 'firing', labels: { name: 'theirs' } });
  expect(alert?.annotations['summary']).toMatch(/The certificate theirs expires in 6d 23h/);
});
