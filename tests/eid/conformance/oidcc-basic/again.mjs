// What the modules that sign in twice share; not a module itself.

/** The second time nobody was asked, and it is the same sign-in. */
export function twice(t, first, second) {
  t.equal('no page was shown', second.outcome.seen, []);
  t.equal('it is the same person', second.id.sub, first.id.sub);
  t.equal('auth_time is that of the first sign-in', second.id.auth_time, first.id.auth_time);
  t.check('the code is another', second.code !== first.code);
}
