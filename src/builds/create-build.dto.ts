import { Mapping, Text } from '../http/fields.ts';
import { imageFaults, MAX_SHA_LENGTH, MAX_STACK_LENGTH, procfileFaults, SHA_MESSAGE, SHA_PATTERN } from './build-rules.ts';

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

export class CreateBuildDto {
  @Text({
    description: 'What to run: an image, or for buildpacks the address of a slug.',
    example: 'registry.example.com/team/app:1.0',
    check: (image, { sha, dockerfile }) => imageFaults({ image, sha: textOf(sha), dockerfile: textOf(dockerfile) }),
  })
  image!: string;

  @Mapping(
    {
      optional: true,
      description: 'Commands by process type.',
      example: { web: 'node server.js' },
      schema: { type: 'object', additionalProperties: { type: 'string' } },
    },
    procfileFaults,
  )
  procfile: Record<string, string> = {};

  @Text({
    optional: true,
    blank: true,
    max: MAX_SHA_LENGTH,
    pattern: SHA_PATTERN,
    message: SHA_MESSAGE,
    description: 'The commit that was built. Without a `dockerfile` it makes this a buildpack build.',
    example: '',
  })
  sha: string = '';

  @Text({ optional: true, blank: true, description: 'The Dockerfile that the image was built from.', example: '' })
  dockerfile: string = '';

  @Text({ optional: true, blank: true, max: MAX_STACK_LENGTH, description: 'Kept for those who ask.', example: 'container' })
  stack: string = '';
}
