// What with_ioredis.js and with_node_redis.js share.
'use strict';
const {isDeepStrictEqual, inspect} = require('node:util');

exports.sleep = ms => new Promise(done => setTimeout(done, ms));

class Checks {
    count = 0;
    bad = 0;

    // `got` may be a promise.
    async is(what, got, want) {
        got = await got;
        this.count++;
        // Replies may have no prototype; what is in them counts.
        const plain = x => x === undefined || Buffer.isBuffer(x) ? x :
            JSON.parse(JSON.stringify(x));
        if (!isDeepStrictEqual(plain(got), plain(want))) {
            this.bad++;
            const show = x => inspect(x, {breakLength: Infinity}).slice(0, 300);
            console.log(`differs: ${what}: got ${show(got)}, ` +
                        `want ${show(want)}`);
        }
    }

    async fails(what, got, begins) {
        const text = await got.then(r => `no error: ${inspect(r)}`,
                                    e => e.message);
        await this.is(what, text.slice(0, begins.length), begins);
    }
}

// Runs what the command line names: `families` is a table of functions.
async function families(list, context, n, without) {
    const checks = new Checks();
    for (const family of list)
        if (!without.includes(family.name))
            await family(context, checks, n);
    console.log('checks:', checks.count);
    return checks.bad ? 1 : 0;
}

// Adds members through both until standard input ends, and 20 more.
async function failover(add) {
    let left = 20, ended = false, errors = 0, i = 0;
    process.stdin.on('end', () => { ended = true; }).resume();
    for (; left > 0; i++) {
        await add.follower(`f${i}`, i);
        for (let done = false; !done;)
            await add.leader(`l${i}`, i).then(() => { done = true; }, () => {
                errors++;
                return exports.sleep(50);
            });
        if (i === 20)
            console.log('writing');
        if (ended)
            left--;
        await exports.sleep(1); // lets the end of input in
    }
    console.log('acknowledged:', i, 'errors:', errors);
    return 0;
}

exports.families = families;
exports.failover = failover;
