import { processTypeFault } from '../builds/process-type-name.ts';
import { type Presence, Text } from '../http/fields.ts';
import { Description, Name, TextSet } from './named.fields.ts';

const name: Presence = { description: 'Unique in its product.', example: 'night shift' };
const description: Presence = { optional: true, example: 'Restarts the workers.' };
const apps = { optional: true, description: 'Ids of apps of the product.', example: [], most: 1000, longest: 253 };
const types = {
  optional: true,
  description: 'The process types that its users may scale and restart. Empty: all.',
  example: ['worker'],
  most: 100,
  longest: 253,
  check: (type: string) => {
    const fault = processTypeFault(type);
    return fault === null ? null : `${type}: ${fault}`;
  },
};
const productId: Presence = { description: 'A product of yours.', example: 'p-3d48618a283111e8a7e3000c298454d8' };

export class CreateGroupDto {
  @Name(name)
  name!: string;

  @Text(productId)
  product_id!: string;

  @Description(description)
  description: string = '';

  @TextSet(apps)
  apps: string[] = [];

  @TextSet(types)
  types: string[] = [];
}

export class ChangeGroupDto {
  @Name({ ...name, optional: true })
  name?: string;

  @Text({ ...productId, optional: true, description: 'The product that it is in: it stays there.' })
  product_id?: string;

  @Description(description)
  description?: string;

  @TextSet(apps)
  apps?: string[];

  @TextSet(types)
  types?: string[];
}
