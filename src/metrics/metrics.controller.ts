import { Controller, Get, Header } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Registry } from 'prom-client';
import { Route, text } from '../http/route.ts';
import { Metrics } from './metrics.ts';

@ApiTags('health')
@Controller()
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get('metrics')
  @Header('Content-Type', Registry.PROMETHEUS_CONTENT_TYPE)
  @Route({
    summary: 'Read the metrics of this process',
    description: "In Prometheus' text format 0.0.4. No label names an app or a user.",
    action: 'metrics.read',
    rule: 'public',
    answers: { 200: text('# TYPE keelson_operation_queue_age_seconds gauge\nkeelson_operation_queue_age_seconds 0\n', 'The metrics.') },
    errors: {},
  })
  read(): Promise<string> {
    return this.metrics.registry.metrics();
  }
}
