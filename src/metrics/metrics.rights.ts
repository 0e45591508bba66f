import { type AccessTable, everybody } from '../auth/access-table.ts';

export const metricsAccess: AccessTable = {
  'GET /metrics': everybody,
};
