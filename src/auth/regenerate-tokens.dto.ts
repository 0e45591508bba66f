import { Flag, Text } from '../http/fields.ts';

export class RegenerateTokensDto {
  @Text({ optional: true, nullable: true, description: 'Whose tokens; your own by default.', example: 'ada' })
  username?: string | null;

  @Flag({ optional: true, nullable: true, description: "Everybody's tokens. Wins over `username`.", example: false })
  all?: boolean | null;
}
