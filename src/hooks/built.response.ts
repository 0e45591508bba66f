import { ApiProperty } from '@nestjs/swagger';

class BuiltRelease {
  @ApiProperty({ type: 'integer' })
  version!: number;
}

/** The release that a build made. */
export class BuiltResponse {
  @ApiProperty({ type: BuiltRelease })
  release!: BuiltRelease;
}

export const builtExample: BuiltResponse = { release: { version: 3 } };
