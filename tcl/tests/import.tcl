# vard-import with a real redis-server: a file with every type, an import that is
# killed, and goes on while the leader ends, a server that runs, one that is
# followed, and what cannot be imported.

set import [file join $build vard-import]

# Keys of each type, some of them large; database 3 has one as well.
proc fill_redis {redis keys} {
    $redis EVAL {
        for i = 1, tonumber(ARGV[1]) do
            redis.call('SET', 's' .. i, 'value ' .. i)
        end
        for i = 1, 700 do
            redis.call('RPUSH', 'list', i, string.rep('x', i))
            redis.call('SADD', 'integers', i * 1000)
            redis.call('SADD', 'set', 'member' .. i)
            redis.call('ZADD', 'zset', i / 7, 'member' .. i)
            redis.call('HSET', 'hash', 'field' .. i, string.rep('y', i))
            redis.call('XADD', 'stream', i .. '-1', 'f', i, 'g', 'v' .. i)
        end
        for i = 1, 5 do
            redis.call('ZADD', 'small', i, i)
            redis.call('HSET', 'pair', i, i)
        end
        redis.call('XGROUP', 'CREATE', 'stream', 'group', '0')
        redis.call('XREADGROUP', 'GROUP', 'group', 'alice', 'COUNT', 20,
                   'STREAMS', 'stream', '>')
        redis.call('SET', 'long', string.rep('abcd', 300000))
        redis.call('SET', 'expires', 'v', 'PX', 100000000)
        redis.call('SET', "we'ird\n\0key", 'v')
        redis.call('SELECT', 3)
        redis.call('SET', 'elsewhere', 'v')
        return 'OK'
    } 0 $keys
}

proc read_binary {path} {
    set fd [open $path rb]
    set bytes [read $fd]
    close $fd
    return $bytes
}

proc write_binary {path bytes} {
    set fd [open $path wb]
    puts -nonewline $fd $bytes
    close $fd
}

start_cluster 3 {} {
    set lead [wait_for_leader]
    set follow [lindex [followers $lead] 0]
    set to [addresses $cluster::ids]
    lassign [start_redis] redis_pid redis_port
    set redis [resp::connect 127.0.0.1 $redis_port]
    set dump $::env(VARD_TEST_DIR)/redis.$redis_port/dump.rdb
    fill_redis $redis 100
    $redis SAVE
    set count [$redis DBSIZE]

    test "a file with every type" {
        lassign [run_program $import file $dump --to [addresses $follow]] \
            status output
        assert_equal 0 $status $output
        assert_match "loaded [expr {$count + 1}] keys in * s; verified\
            [expr {$count + 1}], 0 differ" $output
        foreach id $cluster::ids {assert_equal $count [R $id DBSIZE]}
        set c [node_client $lead]
        foreach look {{LRANGE list 0 -1} {SORT set ALPHA} {GET long}
            {ZRANGE zset 0 -1 WITHSCORES} {HMGET hash field1 field700}
            {XRANGE stream - +} {XPENDING stream group} {GET expires}
            {GET "we'ird\n\0key"} {PEXPIRETIME expires}} {
            assert_equal [$redis {*}[subst -nocommands $look]] \
                [$c {*}[subst -nocommands $look]] $look
        }
        $c SELECT 3
        assert_equal v [$c GET elsewhere]
        $c -close
    }

    test "a cluster that has keys is refused" {
        lassign [run_program $import file $dump --to $to] status output
        assert_equal 2 $status $output
        assert_match "*has * keys*" $output
        R $lead SET extra 1
        R $lead SET s1 other
        lassign [run_program $import file $dump --to $to --replace] \
            status output
        assert_equal 0 $status $output
        assert_equal 1 [R $lead GET extra]
        assert_equal {value 1} [R $lead GET s1]
    }

    test "a server that runs" {
        R $lead FLUSHALL
        lassign [run_program $import scan 127.0.0.1:$redis_port --to $to] \
            status output
        assert_equal 0 $status $output
        assert_match "*, 0 differ" $output
        assert_equal $count [R $lead DBSIZE]
        $redis CONFIG SET requirepass secret
        lassign [run_program $import scan 127.0.0.1:$redis_port --to $to \
            --replace --from-password wrong] status output
        assert_equal 3 $status $output
        assert_match "*WRONGPASS*" $output
        lassign [run_program $import scan 127.0.0.1:$redis_port --to $to \
            --replace --from-password secret] status output
        assert_equal 0 $status $output
        $redis CONFIG SET requirepass ""
    }

    test "what is no whole file" {
        set bytes [read_binary $dump]
        set bad $::env(VARD_TEST_DIR)/bad.rdb
        set length [string length $bytes]
        foreach {data why} [list \
            [string range $bytes 0 [expr {$length / 2}]] "*cut short*" \
            [string range $bytes 0 end-9] "*cut short*" \
            [string replace $bytes end end x] "*checksum is wrong*" \
            "REDIS0099[string range $bytes 9 end]" "*version 99*not known*" \
            "hello" "*no RDB file*" "" "*no RDB file*"] {
            write_binary $bad $data
            lassign [run_program $import file $bad --to $to --replace \
                --no-verify] status output
            assert_equal 3 $status $output
            assert_match $why $output
        }
        # A module's value, and a set that has a member twice: the others are
        # loaded.
        write_binary $bad "REDIS0009\x07\x01m\x05\x02\x07\x00\x02\x01t\x02\x01a\x01a\x00\x01k\x01v\xff[string repeat \0 8]"
        lassign [run_program $import file $bad --to $to --replace] \
            status output
        assert_equal 1 $status $output
        assert_match "*'m'*module*'t'*Bad data format*'t'*not there*loaded 1\
            keys*, 2 were left out*, 1 differ" $output
        assert_equal v [R $lead GET k]
        lassign [run_program $import file /nowhere --to $to] status output
        assert_equal 3 $status $output
        lassign [run_program $import file $dump --to 127.0.0.1:[free_port] \
            --timeout 1] status output
        assert_equal 3 $status $output
        foreach wrong {{} file {scan --quiet} {other x} {file x --what}
            {file x --to} {file x --timeout 0} {scan a:1 --resume f}} {
            lassign [run_program $import {*}$wrong] status output
            assert_equal 2 $status "$wrong: $output"
        }
    }

    # What was refused must not be taken for done because later ones were.
    test "a node refuses one for now, and takes those behind it" {
        R $lead FLUSHALL
        set port [free_port]
        set proxy_log $::env(VARD_TEST_DIR)/proxy.log
        set proxy [start_process $proxy_log python3 \
            $root/tests/tools/refusing_proxy.py $port $nodes($lead,port) 3]
        wait_for_condition 20000 {
            [string match "ready*" [read_file $proxy_log]]
        }
        lassign [run_program $import file $dump --to 127.0.0.1:$port \
            --no-verify] status output
        signal_process $proxy KILL
        assert_equal 0 $status $output
        assert_match "*loaded [expr {$count + 1}] keys*" $output
        assert_equal $count [R $lead DBSIZE]
    }

    test "a killed import goes on while the leader ends, and sets nothing back" {
        R $lead FLUSHALL
        $redis FLUSHALL
        fill_redis $redis 50000
        $redis SAVE
        set log $::env(VARD_TEST_DIR)/import.log
        set state $::env(VARD_TEST_DIR)/import.state
        set command [list $import file $dump --to $to --resume $state]
        set pid [start_process $log {*}$command]
        wait_for_condition 20000 {[R $follow DBSIZE] > 100}
        signal_process $pid KILL
        wait_process_end $pid 10000
        set loaded [R $follow DBSIZE]
        assert {$loaded < 50000}
        # A client changes what was loaded.
        set changed [R $follow RANDOMKEY]
        R $follow SET $changed "by a client"
        assert {[file exists $state]}
        set pid [start_process $log {*}$command]
        wait_for_condition 20000 {[R $follow DBSIZE] > $loaded + 500}
        kill_node $lead
        wait_process_end $pid 60000
        assert_match "*loaded * keys*verified *, 1 differ*" [read_file $log]
        assert_equal [$redis DBSIZE] [R $follow DBSIZE]
        assert_equal "by a client" [R $follow GET $changed]
        assert {![file exists $state]}
        restart_node $lead
        wait_for_same_state
    }

    test "a server is followed, while the leader ends, each change once" {
        set lead [wait_for_leader]
        set follow [lindex [followers $lead] 0]
        R $follow FLUSHALL
        $redis FLUSHALL
        fill_redis $redis 2000
        $redis CONFIG SET repl-diskless-sync-delay 0
        set log $::env(VARD_TEST_DIR)/follow.log
        set pid [start_process $log $import follow 127.0.0.1:$redis_port \
            --to $to]
        for {set i 0} {$i < 200} {incr i} {$redis INCR early}
        wait_for_condition 20000 {
            [string match "*following from*" [read_file $log]]}
        for {set i 0} {$i < 2000} {incr i} {
            $redis INCR counter
            $redis RPUSH queue $i
            if {$i % 3 == 0} {$redis LPOP queue}
            if {$i == 1000} {kill_node $lead}
        }
        $redis MULTI
        $redis SELECT 3
        $redis SPOP elsewhere-set
        $redis SADD elsewhere-set a b c
        $redis SPOP elsewhere-set
        $redis SELECT 0
        $redis EXPIRE expires 5000
        $redis XADD stream * f v
        $redis EXEC
        wait_for_condition 30000 {[$redis WAIT 1 500] == 1}
        lassign [run_program $import scan 127.0.0.1:$redis_port --to $to \
            --verify-only] status output
        assert_equal 0 $status $output
        assert_match "verified *, 0 differ" $output
        assert_equal 2000 [R $follow GET counter]
        assert_equal [$redis LRANGE queue 0 -1] [R $follow LRANGE queue 0 -1]
        assert_equal [$redis DBSIZE] [R $follow DBSIZE]
        signal_process $pid TERM
        wait_process_end $pid 20000
        assert_match "*followed * commands*" [read_file $log]
        assert {![string match "*left out*" [read_file $log]]}
        restart_node $lead
        wait_for_same_state
    }

    test "a server that cannot be followed" {
        lassign [run_program $import follow 127.0.0.1:[free_port] --to $to \
            --replace] status output
        assert_equal 3 $status $output
        $redis CONFIG SET requirepass secret
        lassign [run_program $import follow 127.0.0.1:$redis_port --to $to \
            --replace] status output
        assert_equal 3 $status $output
        assert_match "*NOAUTH*" $output
        # It has no replication: a node of ours.
        lassign [run_program $import follow [addresses $lead] --to $to \
            --replace] status output
        assert_equal 3 $status $output
        assert_match "*ERR*" $output
    }

    $redis -close
    stop_redis $redis_pid
}
