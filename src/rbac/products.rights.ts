import { administrators, type AccessTable } from '../auth/access-table.ts';

/** Those who have no role but that of a common user are refused everything here. */
export const productsAccess: AccessTable = {
  'GET /saltshaker/api/v1.0/product': administrators,
  'POST /saltshaker/api/v1.0/product': administrators,
  'GET /saltshaker/api/v1.0/product/{id}': administrators,
  'PUT /saltshaker/api/v1.0/product/{id}': administrators,
  'DELETE /saltshaker/api/v1.0/product/{id}': administrators,
  'GET /saltshaker/api/v1.0/product/check/{productName}': administrators,
};
