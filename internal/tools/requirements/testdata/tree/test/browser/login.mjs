import test from 'node:test'

// test('A003 in a comment', () => {})
/* test('A003 in another',
 */
test("A005 sees http://localhost // and goes on", async (t) => {
  await t.test('NET-02 inside', () => {})
  const why = 'A003 is no title'
})
test.skip('A003 skipped', () => {})
