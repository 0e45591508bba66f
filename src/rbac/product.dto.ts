import type { Presence } from '../http/fields.ts';
import { Description, Name, TextSet } from './named.fields.ts';

const name: Presence = { description: 'Unique.', example: 'payments' };
const description: Presence = { optional: true, example: 'What takes money.' };
const apps = {
  optional: true,
  description: 'Ids of apps. One gets into a product by its owner, or a superuser.',
  example: [],
  most: 1000,
  longest: 253,
};

export class CreateProductDto {
  @Name(name)
  name!: string;

  @Description(description)
  description: string = '';

  @TextSet(apps)
  apps: string[] = [];
}

export class ChangeProductDto {
  @Name({ ...name, optional: true })
  name?: string;

  @Description(description)
  description?: string;

  @TextSet(apps)
  apps?: string[];
}
