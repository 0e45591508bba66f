export interface StatusCause {
  reason?: string;
  message: string;
  field?: string;
}

/** What metav1.Status carries beside the message; `kind` is a resource or a kind, as Kubernetes has it. */
export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: Record<string, never>;
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  details?: StatusDetails;
  code?: number;
}

/** A refusal in Kubernetes' own form: HTTP status, machine-readable reason, words for people. */
export class ApiError extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly details?: StatusDetails,
  ) {
    super(message);
    this.name = 'ApiError';
  }

  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason ? { reason: this.reason } : {}),
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    };
  }
}

/** What an error about an object has to name: `pods "web"`, `deployments.apps "web"`. */
export interface ResourceName {
  plural: string;
  group: string;
}

const qualified = ({ plural, group }: ResourceName): string => (group ? `${plural}.${group}` : plural);

const about = ({ plural, group }: ResourceName, name: string): StatusDetails => ({
  ...(name ? { name } : {}),
  ...(group ? { group } : {}),
  kind: plural,
});

export const badRequest = (message: string): ApiError => new ApiError(400, 'BadRequest', message);

export const notFound = (resource: ResourceName, name: string): ApiError =>
  new ApiError(404, 'NotFound', `${qualified(resource)} "${name}" not found`, about(resource, name));

/** @param ending the one that is there is being deleted */
export const alreadyExists = (resource: ResourceName, name: string, ending = false): ApiError => {
  const words = `${qualified(resource)} "${name}" already exists`;
  return new ApiError(409, 'AlreadyExists', ending ? `object is being deleted: ${words}` : words, about(resource, name));
};

export const conflict = (resource: ResourceName, name: string, why: string): ApiError =>
  new ApiError(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`, about(resource, name));

export const forbidden = (resource: ResourceName, name: string, why: string, causes?: StatusCause[]): ApiError =>
  new ApiError(403, 'Forbidden', `${qualified(resource)} "${name}" is forbidden: ${why}`, {
    ...about(resource, name),
    ...(causes ? { causes } : {}),
  });

/** One fault of an object: the path of the field and Kubernetes' words for what is wrong with it. */
export interface FieldFault {
  field: string;
  reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueDuplicate'
    | 'FieldValueForbidden'
    | 'FieldValueNotFound'
    | 'FieldValueTooLong';
  message: string;
}

/** 422 with every fault at once, as field.ErrorList.ToAggregate words them. */
export function invalid(kind: string, group: string, name: string, faults: FieldFault[]): ApiError {
  const lines = [...new Set(faults.map(({ field, message }) => `${field}: ${message}`))];
  const words = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`;
  return new ApiError(422, 'Invalid', `${group ? `${kind}.${group}` : kind} "${name}" is invalid: ${words ?? ''}`, {
    ...(name ? { name } : {}),
    ...(group ? { group } : {}),
    kind,
    causes: faults.map(({ reason, message, field }) => ({ reason, message, field })),
  });
}
