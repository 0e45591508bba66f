import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';

/** Gives a handler the product id that a list is asked for; null: no matter which. */
export const OfProduct = createParamDecorator(
  (_: unknown, context: ExecutionContext): string | null => {
    const { product_id: given } = context.switchToHttp().getRequest<FastifyRequest>().query as Record<
      string,
      string | string[] | undefined
    >;
    return [given ?? []].flat().join() || null;
  },
  [
    (target: object, method: string | symbol | undefined): void => {
      const handler = method === undefined ? undefined : Object.getOwnPropertyDescriptor(target, method);
      if (method === undefined || handler === undefined) return;
      ApiQuery({
        name: 'product_id',
        required: false,
        description: 'Only those of this product.',
        schema: { type: 'string' },
        example: 'p-3d48618a283111e8a7e3000c298454d8',
      })(target, method, handler);
    },
  ],
);
