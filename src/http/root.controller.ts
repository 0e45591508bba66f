import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { emptyObject, Route } from './route.ts';

@ApiTags('auth')
@Controller('v2')
export class RootController {
  /** The command lines ask this first and go on only if it is 401 without a token. */
  @Get()
  @Route({
    summary: 'See whether a token is good',
    action: 'root.read',
    rule: 'user',
    answers: { 200: emptyObject('It is.') },
    errors: {},
  })
  root(): object {
    return {};
  }
}
