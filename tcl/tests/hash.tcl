# Hashes on three nodes: each command on the leader, on a follower, and on a real
# redis-server; large ones, while nodes end and come back.

set table {
    {HSET h a 1 b 2} :2
    {HSET h a 3 c 4} :1
    {HSET h a} {-ERR wrong number of arguments for 'hset' command}
    {HSET h a 1 b} {-ERR wrong number of arguments for 'hset' command}
    {HMSET h d 5} +OK
    {HGET h a} {$3}
    {HGET h none} nil
    {HMGET h a none b} {[$3 nil $2]}
    {HGETALL h} {[$a $3 $b $2 $c $4 $d $5]}
    {HKEYS h} {[$a $b $c $d]}
    {HVALS h} {[$3 $2 $4 $5]}
    {HLEN h} :4
    {HEXISTS h a} :1
    {HEXISTS h none} :0
    {HSTRLEN h a} :1
    {HSETNX h a x} :0
    {HSETNX h e x} :1
    {HDEL h e none} :1
    {HINCRBY h a 4} :7
    {HINCRBY h a x} {-ERR value is not an integer or out of range}
    {HINCRBYFLOAT h a 0.5} {$7.5}
    {HINCRBY h a 1} {-ERR hash value is not an integer}
    {HSCAN h 0 MATCH b} {[$0 [$b $2]]}
    {HSCAN h x} {-ERR invalid cursor}
    {HDEL h a b c} :3
    {HRANDFIELD h} {$d}
    {HRANDFIELD h -2 WITHVALUES} {[$d $5 $d $5]}
    {HRANDFIELD none 3} {[]}
    {TYPE h} +hash
    {GET h} {-WRONGTYPE Operation against a key holding the wrong kind of value}
    {SET s v} +OK
    {HSET s a b} {-WRONGTYPE Operation against a key holding the wrong kind of value}
    {HDEL h d} :1
    {EXISTS h} :0
    vard: {}
    {HSET h a 1 b 2 c 3} :3
    {HEXPIRE h 100 FIELDS 2 a none} {[:1 :-2]}
    {HTTL h FIELDS 2 a b} {[:100 :-1]}
    {HPEXPIRE h 200000 GT FIELDS 1 a} {[:1]}
    {HEXPIREAT h 99999999999 FIELDS 1 a} {-ERR invalid expire time in 'hexpireat' command}
    {HPEXPIREAT h 60000000000000 FIELDS 1 b} {[:1]}
    {HEXPIRETIME h FIELDS 1 b} {[:60000000000]}
    {HPEXPIRETIME h FIELDS 1 b} {[:60000000000000]}
    {HPTTL h FIELDS 1 c} {[:-1]}
    {HPERSIST h FIELDS 2 a c} {[:1 :-1]}
    {HGETEX h EX 50 FIELDS 1 c} {[$3]}
    {HTTL h FIELDS 1 c} {[:50]}
    {HSETEX h FXX KEEPTTL FIELDS 1 c 4} :1
    {HTTL h FIELDS 1 c} {[:50]}
    {HGETDEL h FIELDS 3 a b c} {[$1 $2 $4]}
    {EXISTS h} :0
    {FLUSHALL} +OK
}

# Stops at the rows that Redis 7.0 does not know unless all is set.
proc run_rows {c all} {
    foreach {command expected} $::table {
        if {$command eq "vard:"} {
            if {!$all} break
            continue
        }
        assert_equal $expected [$c -typed {*}$command] $command
    }
}

# All fields by HSCAN, each call through another node: their names, sorted.
proc scan_all {key} {
    set cursor 0
    set found {}
    for {set call 0} {$call < 2000} {incr call} {
        set ids [cluster_up]
        set id [lindex $ids [expr {$call % [llength $ids]}]]
        lassign [R $id HSCAN $key $cursor COUNT 100] cursor part
        foreach {field value} $part {
            assert_equal v$field $value
            lappend found $field
        }
        if {$cursor == 0} {return [lsort $found]}
    }
    error "HSCAN does not come to an end"
}

proc cluster_up {} {
    set up {}
    foreach id $::cluster::ids {
        if {![dict exists $::down $id]} {lappend up $id}
    }
    return $up
}

start_cluster 3 {} {
    set down {}
    set lead [wait_for_leader]
    set follow [lindex [followers $lead] 0]

    test "a real redis-server gives these replies too" {
        set port [free_port]
        set pid [start_process $::env(VARD_TEST_DIR)/redis.log redis-server \
            --port $port --save "" --bind 127.0.0.1 \
            --dir $::env(VARD_TEST_DIR)]
        wait_for_condition 5000 {![catch {resp::connect 127.0.0.1 $port} c]}
        run_rows $c 0
        $c -close
        signal_process $pid TERM
        wait_process_end $pid 5000
    }

    foreach {where id} [list "the leader" $lead "a follower" $follow] {
        test "each command on $where" {
            set c [node_client $id]
            run_rows $c 1
            $c -close
        }
    }

    test "5,000 fields set through all nodes are read through each" {
        set expected {}
        for {set i 0} {$i < 5000} {incr i 50} {
            set pairs {}
            for {set k $i} {$k < $i + 50} {incr k} {
                lappend pairs f$k vf$k
                lappend expected f$k
            }
            set to [lindex $cluster::ids [expr {$i / 50 % 3}]]
            assert_equal 50 [R $to HSET big {*}$pairs]
        }
        set expected [lsort $expected]
        foreach id $cluster::ids {
            assert_equal 5000 [R $id HLEN big]
            assert_equal $expected [lsort [R $id HKEYS big]]
            assert_equal vf4321 [R $id HGET big f4321]
        }
        assert_equal $expected [scan_all big]
    }

    test "a value of a megabyte in a field" {
        set value [string repeat 0123456789abcdef 65536]
        R $follow HSET long short 1 text $value
        foreach id $cluster::ids {
            assert_equal 1048576 [R $id HSTRLEN long text]
            assert_equal $value [R $id HGET long text]
        }
        R $lead HSET long text short
        assert_equal {short 1 text short} [R $follow HGETALL long]
    }

    test "a scan goes on when the leader has ended" {
        lassign [R $lead HSCAN big 0 COUNT 1000] cursor part
        set found [dict keys $part]
        kill_node $lead
        dict set down $lead 1
        set lead_before $lead
        set lead [wait_for_leader [cluster_up]]
        while {$cursor != 0} {
            lassign [R $lead HSCAN big $cursor COUNT 1000] cursor part
            lappend found {*}[dict keys $part]
        }
        assert_equal $expected [lsort $found]
    }

    test "who was away has what was changed meanwhile" {
        for {set i 0} {$i < 5000} {incr i 2} {R $lead HDEL big f$i}
        R $lead HSET big new vnew
        restart_node $lead_before
        set down {}
        wait_for_same_state
        assert_equal 2501 [R $lead_before HLEN big]
        assert_equal 2501 [llength [scan_all big]]
    }

    test "fields expire on every node, and are swept" {
        for {set i 0} {$i < 3} {incr i} {
            set id [lindex $cluster::ids $i]
            R $id HSETEX timed PX 300 FIELDS 3 x$i 1 y$i 1 z$i 1
            R $id HSET timed stays$i 1
        }
        R $follow HSETEX gone PX 1 FIELDS 1 f v
        foreach id $cluster::ids {
            wait_for_condition 10000 {[R $id HLEN timed] == 3}
            assert_equal {stays0 stays1 stays2} [lsort [R $id HKEYS timed]]
            assert_equal {} [R $id HGET timed x0]
            wait_for_condition 10000 {[R $id EXISTS gone] == 0}
        }
        assert_equal 1 [R $lead DEL timed]
        wait_for_same_state
    }

    test "a deletion takes all of it" {
        assert_equal 2 [R $follow DEL big long]
        assert_equal {} [R $lead HGETALL big]
        assert_equal 0 [R $lead DBSIZE]
        wait_for_same_state
    }
}
