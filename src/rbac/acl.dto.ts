import { type Presence, Text } from '../http/fields.ts';
import { Description, Name, TextSet } from './named.fields.ts';

const name: Presence = { description: 'Unique in its product.', example: 'migrations only' };
const description: Presence = { optional: true, example: 'For who is on call.' };
/** A pattern is held against the words that a command consists of: their quotes are gone. */
const quoteFault = (pattern: string): string | null =>
  /["'\\]/.test(pattern) ? 'Patterns match the words of a command without its quotes and backslashes: leave them out.' : null;

const patterns = { optional: true, most: 100, longest: 200, check: quoteFault };
const allow = {
  ...patterns,
  description: 'Globs over the command line: `*` any run of characters, `?` one. If there are any, one has to match.',
  example: ['rake db:migrate*'],
};
const deny = { ...patterns, description: 'Globs of what may not be run. They win.', example: ['* --force'] };
const productId: Presence = { description: 'The product whose apps it is about.', example: 'p-3d48618a283111e8a7e3000c298454d8' };

export class CreateAclDto {
  @Name(name)
  name!: string;

  @Text(productId)
  product_id!: string;

  @TextSet(allow)
  allow: string[] = [];

  @TextSet(deny)
  deny: string[] = [];

  @Description(description)
  description: string = '';
}

export class ChangeAclDto {
  @Name({ ...name, optional: true })
  name?: string;

  @Text({ ...productId, optional: true, description: 'The product that it is in: it stays there.' })
  product_id?: string;

  @TextSet(allow)
  allow?: string[];

  @TextSet(deny)
  deny?: string[];

  @Description(description)
  description?: string;
}
