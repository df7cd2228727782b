"""What a page can't do in a browser without scripts."""

from playwright.sync_api import Page

FIND = """() => {
  document.querySelectorAll('details').forEach(part => part.open = true);
  const all = (what) => [...document.querySelectorAll(what)];
  const seen = (what) => all(what).filter(one => one.checkVisibility({visibilityProperty: true}));
  const name = (one) => one.outerHTML.slice(0, 120);
  const found = [];
  const say = (what, ones) => ones.forEach(one => found.push(`${what}: ${name(one)}`));
  if (seen('main h1').length !== 1) found.push('not one heading');
  say('sends nothing', seen('button').filter(one => one.type !== 'submit'));
  say('sends nothing', seen('input[type=button], input[type=reset], [role=button]:not(button), [contenteditable]'));
  say('belongs to no form', seen('button, input, select, textarea').filter(one => !one.form && one.type !== 'button'));
  const forms = [...new Set(seen('input, select, textarea').map(one => one.form))].filter(Boolean);
  const sends = (form) => seen('button, input[type=submit]').some(one => one.form === form && one.type === 'submit');
  say('has no button', forms.filter(form => !sends(form)));
  const place = (link) => document.getElementById(decodeURIComponent(link.hash.slice(1)));
  say('leads nowhere', seen('a:not([href^="#"])').filter(one => !/^(https?|mailto|tel):$/.test(one.protocol)));
  say('leads nowhere', seen('a[href^="#"]').filter(one => !place(one)));
  const passkey = (one) => one.closest('[data-passkey]') || one.querySelector('[data-passkey]');
  say('waits for a script', all('[hidden]').filter(one => !passkey(one)));
  if (all('[data-passkey]').length && !seen('main input, main noscript > *').length) found.push('a passkey alone');
  return found;
}"""
"""Opens what is folded away first, which readers do without scripts, too. A passkey needs one, so there must be another way."""


def faults(page: Page) -> list[str]:
    """What the open page lacks or shows in vain. The page's own scripts are switched off; the browser's tools run this one."""
    return list(page.evaluate(FIND))
