import { Controller, Get, Header, Logger } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Unavailable } from './errors.ts';
import { Readiness } from './readiness.ts';
import { Route, text } from './route.ts';

@ApiTags('health')
@Controller()
export class HealthController {
  private readonly logger = new Logger(HealthController.name);

  constructor(private readonly readiness: Readiness) {}

  @Get('healthz')
  @Header('Content-Type', 'text/plain; charset=utf-8')
  @Route({
    summary: 'See whether the process is alive',
    action: 'health.alive',
    rule: 'public',
    answers: { 200: text('OK', 'It is.') },
    errors: {},
  })
  alive(): string {
    return 'OK';
  }

  @Get('readiness')
  @Header('Content-Type', 'text/plain; charset=utf-8')
  @Route({
    summary: 'See whether requests can be served',
    action: 'health.ready',
    rule: 'public',
    answers: { 200: text('OK', 'They can.') },
    errors: { 503: 'They cannot: the database or the cluster is out of reach, or the process is ending.' },
  })
  async ready(): Promise<string> {
    try {
      await this.readiness.check();
    } catch (error) {
      this.logger.warn(`not ready: ${error instanceof Error ? error.message : String(error)}`);
      throw new Unavailable('Not ready.');
    }
    return 'OK';
  }
}
