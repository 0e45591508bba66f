import { Flag } from '../http/fields.ts';

export class PauseDriftDto {
  @Flag({ description: 'Whether what drifts is left as it is.', example: true })
  paused!: boolean;
}
