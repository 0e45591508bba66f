import { Text } from '../http/fields.ts';

/** The fields that every hook with a body has. */
export const ReceiveUser = (): PropertyDecorator => Text({ description: 'Name of the user who pushes.', example: 'ada' });
export const ReceiveRepo = (): PropertyDecorator => Text({ description: 'Id of the app that is pushed to.', example: 'peachy-waxworks' });

export class ReceiveDto {
  @ReceiveUser()
  receive_user!: string;

  @ReceiveRepo()
  receive_repo!: string;
}
