import { CreateBuildDto } from '../builds/create-build.dto.ts';
import { ReceiveRepo, ReceiveUser } from './receive.dto.ts';

/** A build as its maker may send it himself, and whose it is. A `dockerfile` of `true` says that there is one, whatever its text. */
export class ReceiveBuildDto extends CreateBuildDto {
  @ReceiveUser()
  receive_user!: string;

  @ReceiveRepo()
  receive_repo!: string;
}
