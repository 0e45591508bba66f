// Keelson from dist/, forked by a suite that holds it in the middle of its operations (test/held-keelson.ts).
import { FaultPoints } from '../dist/deploy/fault-points.js';
import { OperationQueue } from '../dist/deploy/operation-queue.js';
import { OperationWorker } from '../dist/deploy/operation-worker.js';
import { KubernetesCluster } from '../dist/kubernetes/kubernetes-cluster.js';

/** What was reached and isn't let go yet, by number. */
const reached = new Map();
let numbers = 0;
/** Resolves while operations may be claimed. */
let claiming = gate();

function gate() {
  const made = { isOpen: false };
  made.opened = new Promise((resolve) => {
    made.open = () => {
      made.isOpen = true;
      resolve();
    };
  });
  return made;
}

const tell = (message) => process.connected && process.send(message);
/** After what follows at once has been told: so whoever counts sees no gap between two steps. */
const tellAfter = (message) => setImmediate(() => tell(message));

process.on('message', ({ type, number, on }) => {
  if (type === 'go') {
    reached.get(number)?.();
    reached.delete(number);
  }
  if (type === 'claim') {
    if (on) claiming.open();
    else if (claiming.isOpen) claiming = gate();
    tell({ type: 'claim', on });
  }
});
process.on('disconnect', () => process.exit(1));
// gone before this was loaded
if (!process.connected) process.exit(1);

FaultPoints.prototype.reach = async (point, app, object) => {
  const number = ++numbers;
  const letGo = new Promise((resolve) => reached.set(number, resolve));
  tell({ type: 'reached', number, point, app, object });
  await letGo;
  tellAfter({ type: 'passed', app });
};

const { claim } = OperationQueue.prototype;
OperationQueue.prototype.claim = async function (...parameters) {
  await claiming.opened;
  return claim.apply(this, parameters);
};

const { run } = OperationWorker.prototype;
OperationWorker.prototype.run = async function (operation, lease) {
  tell({ type: 'began', app: operation.appId });
  await run.call(this, operation, lease);
  tell({ type: 'ended', app: operation.appId });
};

for (const name of ['apply', 'patch', 'create', 'remove', 'get', 'list']) {
  const call = KubernetesCluster.prototype[name];
  KubernetesCluster.prototype[name] = async function (...parameters) {
    const [first, namespace, object] = parameters;
    const dryRun = name === 'apply' && namespace?.dryRun === true;
    const app = first.metadata ? (first.metadata.namespace ?? first.metadata.name) : (namespace ?? object);
    const writes = name !== 'get' && name !== 'list' && !dryRun;
    tell({ type: 'called', app, writes, call: `${name} ${first.kind}/${first.metadata?.name ?? object}` });
    try {
      return await call.apply(this, parameters);
    } finally {
      tellAfter({ type: 'passed', app });
    }
  };
}

await import('../dist/keelson.js');
