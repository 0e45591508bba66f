import fc from 'fast-check';
import { domainName, isSpelledAs } from './domain-name.ts';

const label = (length: number): string => 'a'.repeat(length);
/** What Kubernetes takes for a host of an Ingress. */
const ingressHost = /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

describe('domainName', () => {
  it.each([
    ['domain', 'domain'],
    ['www.example.com', 'www.example.com'],
    ['WWW.Example.COM', 'www.example.com'],
    ['www.example.com.', 'www.example.com'],
    ['3com.com', '3com.com'],
    ['3333.xyz', '3333.xyz'],
    ['127.0.0.1.nip.io', '127.0.0.1.nip.io'],
    ['django.paas--sandbox', 'django.paas--sandbox'],
    ['*.example.com', '*.example.com'],
    ['*.com', '*.com'],
    [`${label(63)}.com`, `${label(63)}.com`],
    ['münchen.de', 'xn--mnchen-3ya.de'],
    ['MÜNCHEN.DE', 'xn--mnchen-3ya.de'],
    ['mu\u0308nchen.de', 'xn--mnchen-3ya.de'],
    ['XN--MNCHEN-3YA.de', 'xn--mnchen-3ya.de'],
    ['*.bücher.example', '*.xn--bcher-kva.example'],
    // IDNA 2003 made ss of it
    ['straße.de', 'xn--strae-oqa.de'],
    ['例え。テスト。', 'xn--r8jz45g.xn--zckzah'],
    ['ｅｘａｍｐｌｅ．com', 'example.com'],
    ['נקודה.com', 'xn--7dbcb7b9a.com'],
    ['l·l.cat', 'xn--ll-0ea.cat'],
  ])('%s is %s', (written, ace) => {
    expect(domainName(written)).toEqual({ ace });
    expect(domainName(ace)).toEqual({ ace });
  });

  it.each(['*', '*.'])('%s is nothing but a wildcard', (written) => {
    expect(domainName(written)).toEqual({ fault: "Hostname can't only be a wildcard" });
  });

  it.each(['1', 'www.1', '10.0.0.1', '*.2', 'example.１２'])('%s is an address', (written) => {
    expect(domainName(written)).toEqual({ fault: 'Hostname does not look valid.' });
  });

  it.each([
    ['a label over 63 characters', `${label(64)}.com`, 'exceed 63'],
    ['a label over 63 characters in ACE', `${'ü'.repeat(60)}.com`, 'exceed 63'],
    ['an underscore', 'my_app.com', '_'],
    ['hyphens in the third and fourth place', 'ab--cd.com', '3rd and 4th'],
    ['a wildcard in the middle', 'www.*.com', '\\*'],
    ['a wildcard within a label', 'w*.com', '\\*'],
    ['two wildcards', '*.*.com', '\\*'],
    ['a hyphen first', '-a.com', 'begin or end with hyphen'],
    ['a hyphen last', 'a-.com', 'begin or end with hyphen'],
    ['an empty label', 'a..com', 'empty'],
    ['an empty first label', '.com', 'empty'],
    ['two trailing dots', 'a.com..', 'empty'],
    ['nothing but a dot', '.', 'empty'],
    ['a wildcard and two dots', '*..', 'empty'],
    ['a blank', 'a b.com', 'disallowed'],
    ['a slash', 'a/b.com', 'disallowed'],
    ['a port', 'a.com:80', 'disallowed'],
    ['a null', 'a\0.com', 'disallowed'],
    ['half a character', '\ud800.com', 'disallowed'],
    ['a symbol', '☃.net', 'disallowed'],
    ['an emoji', '💩.la', 'disallowed'],
    ['an emoji in ACE', 'xn--ls8h.la', 'disallowed'],
    ['a combining mark first', '\u0301a.com', 'combining'],
    ['a middle dot outside of Catalan', 'a·b.com', "between two ASCII 'l'"],
    ['a joiner where nothing is joined', 'a\u200db.com', 'Virama'],
    ['digits before right-to-left letters', '1\u05d0.com', 'Bidi'],
    ['a label of digits beside right-to-left letters', '1.\u05d0.com', 'Bidi'],
    ['ACE that is no Punycode', 'xn--0.com', 'Invalid ASCII Compatible Encoding'],
    ['ACE of nothing', 'xn--.com', 'cannot be empty'],
    ['ACE of what needs none', 'xn--abc-.com', 'all-ASCII'],
    ['ACE that is never made', 'xn--MNCHEN-3YA\u00fc.com', 'non-ASCII'],
    ['ACE of capitals', 'xn--mnchen-psa.de', 'disallowed'],
    ['ACE of letters that are not composed', 'xn--munchen-gie.de', 'Form C'],
    ['ACE of full-width letters', 'xn--tda7031k.de', 'disallowed|Form C'],
    ['a label of invisible characters', '\u00ad.com', 'invisible'],
  ])('refuses %s', (_what, written, reason) => {
    const shown = written.replace(/\.$/, '');
    const { fault = '' } = domainName(written);
    expect(fault.startsWith(`Hostname does not look valid, could not convert to ACE ${shown}: `)).toBe(true);
    expect(fault.slice(fault.lastIndexOf(`${shown}: `) + shown.length + 2)).toMatch(new RegExp(reason));
  });

  it('takes 253 characters in ACE and no more, with a wildcard and however it is written', () => {
    const labels = Array(3).fill(label(63)).join('.');
    const tooLong = { fault: 'Hostname must be 253 characters or less.' };
    expect(domainName(`${labels}.${label(61)}`)).toEqual({ ace: `${labels}.${label(61)}` });
    expect(domainName(`${labels}.${label(61)}.`)).toEqual({ ace: `${labels}.${label(61)}` });
    expect(domainName(`${labels}.${label(62)}`)).toEqual(tooLong);
    expect(domainName(`*.${labels}.${label(60)}`)).toEqual(tooLong);
    expect(domainName(`ü.${labels}.${label(54)}`)).toEqual(tooLong);
    expect(domainName(label(2_000_000))).toEqual(tooLong);
  });

  it('gives nothing that an Ingress does not take, and is done after one go', () => {
    const character = fc.oneof(
      fc.constantFrom('a', 'Z', '0', '-', '.', '*', '_', '。', 'ü', 'ß', '\u00ad', '\u200d', '\u0301', 'xn--'),
      fc.string({ unit: 'binary', maxLength: 1 }),
    );
    fc.assert(
      fc.property(fc.array(character, { maxLength: 20 }), (characters) => {
        const { ace, fault } = domainName(characters.join(''));
        if (ace === undefined) {
          expect(fault).toMatch(/^Hostname /);
        } else {
          expect(ace).toMatch(ingressHost);
          expect(domainName(ace)).toEqual({ ace });
        }
      }),
      { numRuns: 1000 },
    );
  });
});

it.each([
  ['www.example.com', 'WWW.example.com.', true],
  ['xn--mnchen-3ya.de', 'XN--mnchen-3ya.de', true],
  ['xn--mnchen-3ya.de', 'münchen.de', false],
])('%s spelled %s: %s', (ace, written, same) => {
  expect(isSpelledAs(ace, written)).toBe(same);
});
