import { ApiHeader } from '@nestjs/swagger';
import { Text } from '../http/fields.ts';

/** The set-up token in a body. */
export const SetupTokenField = (): PropertyDecorator =>
  Text({
    max: 256,
    blank: true,
    optional: true,
    nullable: true,
    example: 'b0f36a1d2c5e47988f1d5a60c3e7b942',
    description: 'The set-up token, for the first registration beside `DATABASE_URL`. Or send it in `X-Setup-Token`.',
  });

/** The same in a header. */
export const SetupTokenHeader = (): MethodDecorator =>
  ApiHeader({
    name: SETUP_TOKEN_HEADER,
    required: false,
    description: 'The set-up token, as `setup_token`.',
    schema: { type: 'string' },
    example: 'b0f36a1d2c5e47988f1d5a60c3e7b942',
  });

export const SETUP_TOKEN_HEADER = 'X-Setup-Token';
