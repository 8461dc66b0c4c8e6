# vard-bench: what it counts is what happened, and it says when it went wrong.

set ::bench $::build/vard-bench

# Runs it; returns status, standard output and standard error.
proc run_bench {args} {
    set log $::env(VARD_TEST_DIR)/bench.err
    set status [catch {exec timeout 60 $::bench {*}$args 2> $log} output options]
    if {$status} {
        set code [dict get $options -errorcode]
        set status [lindex $code 2]
        regsub {\n?child process exited abnormally$} $output {} output
    }
    return [list $status $output [read_file $log]]
}

# The values of a CSV result, by name.
proc csv_result {text} {
    lassign [split [string trim $text] \n] names values
    set result [dict create]
    foreach name [split $names ,] value [split $values ,] {
        dict set result $name $value
    }
    return $result
}

# A good run; returns its values.
proc good_bench {args} {
    lassign [run_bench {*}$args --csv --quiet] status output errors
    assert_equal 0 $status "$args: $output $errors"
    return [csv_result $output]
}

start_cluster 3 {} {
    set lead [wait_for_leader]
    set all [addresses $cluster::ids]

    test "setup writes every key once, of the size asked for" {
        set r [good_bench setup --nodes $all --keys 1234 --size 77 --threads 3]
        assert_equal 1234 [dict get $r ops]
        assert_equal 1234 [R $lead DBSIZE]
        foreach i {0 1 617 1232 1233} {
            set key [format bench:v%012d $i]
            assert_equal 77 [R $lead STRLEN $key] $key
        }
    }

    test "get: all there, and a wrong size is an error" {
        set r [good_bench closed --nodes $all --op get --keys 1234 --size 77 \
            --count 3000 --connections 256]
        assert_equal "3000 0 0" "[dict get $r ops] [dict get $r misses]\
            [dict get $r errors]"
        lassign [run_bench closed --nodes $all --op get --keys 1234 --size 78 \
            --count 50] status output
        assert_equal 1 $status
        assert_match "*operations   0 *wrong-reply *50 *another size*" $output
    }

    test "get of keys that are not there: misses, no errors" {
        set r [good_bench closed --nodes $all --op get --prefix none: \
            --count 100]
        assert_equal "100 100" "[dict get $r ops] [dict get $r misses]"
    }

    test "incr: the counters add up to the count, pipelined, all threads" {
        set r [good_bench closed --nodes $all --op incr --keys 7 --count 5001 \
            --connections 30 --pipeline 16 --threads 3 --dist zipf]
        assert_equal 5001 [dict get $r ops]
        set sum 0
        for {set i 0} {$i < 7} {incr i} {
            set n [R $lead GET [format bench:c%012d $i]]
            if {$n ne ""} {incr sum $n}
        }
        assert_equal 5001 $sum
    }

    test "open loop by count: the same" {
        set r [good_bench open --nodes $all --op incr --keys 1 --count 400 \
            --rate 2000 --prefix open: --arrivals poisson]
        assert_equal 400 [dict get $r ops]
        assert_equal 400 [R $lead GET open:c000000000000]
    }

    test "cas: succeeds on what setup wrote, misses elsewhere" {
        good_bench setup --nodes $all --op cas --keys 50
        set r [good_bench closed --nodes $all --op cas --keys 50 --count 500]
        assert_equal "500 0" "[dict get $r ops] [dict get $r misses]"
        set r [good_bench closed --nodes $all --op cas --keys 50 --count 20 \
            --prefix none:]
        assert_equal "20 20" "[dict get $r ops] [dict get $r misses]"
    }

    test "setnx: each key succeeds once" {
        set r [good_bench closed --nodes $all --op setnx --keys 10 \
            --prefix nx: --count 2000]
        assert_equal "2000 1990" "[dict get $r ops] [dict get $r misses]"
    }

    test "collections: setup makes them as large as asked for" {
        set size {--keys 3 --elements 130 --size 5}
        foreach {op count letter elements} {hget HLEN h 130 lpush LLEN l 130
            sismember SCARD m 130 zrange ZCARD z 130 xread XLEN x 130} {
            good_bench setup --nodes $all --op $op {*}$size
            assert_equal $elements \
                [R $lead $count bench:${letter}000000000002] $op
        }
        foreach op {hset hget lpush rpop sadd sismember zadd zrank zrange xadd
            xread} {
            set r [good_bench closed --nodes $all --op $op {*}$size --count 60]
            assert_equal "60 0 0 130" "[dict get $r ops] [dict get $r misses]\
                [dict get $r errors] [dict get $r elements]" $op
        }
        set r [good_bench closed --nodes $all --op zrank --prefix none: \
            --count 50]
        assert_equal "50 50" "[dict get $r ops] [dict get $r misses]"
        # The same key for another type: an error of its kind.
        R $lead SET wrong:h000000000000 x
        lassign [run_bench closed --nodes $all --op hget --prefix wrong: \
            --keys 1 --count 5] status output
        assert_equal 1 $status
        assert_match "*WRONGTYPE *5 *" $output
    }

    test "by time: figures of the servers, the series, the text" {
        set pids [join [lmap id $cluster::ids {set nodes($id,pid)}] ,]
        set series $::env(VARD_TEST_DIR)/series
        set r [good_bench closed --nodes $all --op mixed --keys 1234 --size 77 \
            --seconds 1.5 --warmup 0.2 --pids $pids --series $series]
        assert_equal 1.500 [dict get $r seconds]
        assert {[dict get $r ops] > 0}
        assert {[dict get $r server_cpu_us_per_op] > 0}
        assert {[dict get $r server_peak_mib] > 1}
        assert {[dict get $r p50_us] <= [dict get $r p99_us]}
        assert_match "second,per_s,*\n*,*,*,*,*,0\n*" [read_file $series]
        lassign [run_bench closed --nodes $all --seconds 1.2 --warmup 0 \
            --label name] status output errors
        assert_equal 0 $status
        assert_match "name: closed set: 3 nodes,*errors       0*" $output
        assert_match "*1.0 s *p99 *errors 0*" $errors
    }

    test "--leader and --followers load the nodes they name" {
        foreach {option mine other} [list --leader $lead \
            [lindex [followers $lead] 0] --followers \
            [lindex [followers $lead] 0] $lead] {
            set mine_before [info_of $mine total_commands_processed]
            set other_before [info_of $other total_commands_processed]
            good_bench closed --nodes $all $option --op incr --count 1000
            assert {[info_of $mine total_commands_processed] -
                $mine_before >= 400} $option
            assert {[info_of $other total_commands_processed] -
                $other_before < 100} $option
        }
    }

    test "JSON is JSON" {
        if {[auto_execok python3] eq ""} return
        lassign [run_bench closed --nodes $all --count 10 --json --quiet] \
            status output
        assert_equal 0 $status
        assert_equal 10 [exec python3 -c \
            {import json,sys; print(json.load(sys.stdin)["ops"])} << $output]
    }

    test "SIGINT: what was measured is printed" {
        set out $::env(VARD_TEST_DIR)/int.out
        set pid [start_process $out $::bench closed --nodes $all --quiet \
            --seconds 60 --warmup 0]
        pause 1000
        signal_process $pid INT
        wait_process_end $pid 15000
        assert_match "*operations   *errors       0*" [read_file $out]
    }

    test "a server that dies: errors are counted, the status is 1" {
        set out $::env(VARD_TEST_DIR)/killed.out
        set victim [lindex [followers $lead] 0]
        set pid [start_process $out sh -c "$::bench closed --nodes $all\
            --seconds 3 --warmup 0 --connections 30 --quiet; echo status \$?"]
        pause 1000
        kill_node $victim
        wait_process_end $pid 40000
        set text [read_file $out]
        assert_match "*status 1" [string trim $text]
        assert_match "*connection-lost *" $text
        assert {[regexp {operations   (\d+)} $text -> ops]}
        assert {$ops > 0}
        restart_node $victim
        wait_for_leader
    }

    test "open loop: a stopped server shows in the latency" {
        set node [lindex [followers] 0]
        set out $::env(VARD_TEST_DIR)/stopped.out
        set pid [start_process $out $::bench open --nodes [addresses $node] \
            --op get --prefix none: --rate 500 --seconds 2.5 --warmup 0 \
            --connections 4 --csv --quiet]
        pause 700
        signal_process $::nodes($node,pid) STOP
        pause 1000
        signal_process $::nodes($node,pid) CONT
        wait_process_end $pid 30000
        set r [csv_result [read_file $out]]
        assert_equal "1250 0" "[dict get $r ops] [dict get $r errors]"
        # 500 of 1250 were due while it stood: a closed loop would show four.
        assert {[dict get $r p90_us] > 300000}
    }
}

test "nobody there: status 1, and it says so" {
    lassign [run_bench closed --nodes 127.0.0.1:[free_port] --seconds 1] \
        status output errors
    assert_equal 1 $status
    assert_match "*no connection to any node*refused*" $errors
}

test "usage: status 2 and a hint; --help: status 0 and all options" {
    foreach bad {
        {} run {closed --nosuch} {closed --keys} {closed --keys 0}
        {closed --op none} {open --seconds 1} {setup --count 3}
        {closed --pids x} {closed --leader --followers}
    } {
        lassign [run_bench {*}$bad] status output errors
        assert_equal 2 $status $bad
        assert_equal "" $output $bad
        assert_match "vard-bench: *usage: vard-bench setup|closed|open*" \
            $errors $bad
    }
    lassign [run_bench --help] status output
    assert_equal 0 $status
    foreach option {nodes leader followers password connections threads
        pipeline op puts keys dist size prefix seconds count warmup rate
        arrivals timeout seed pids csv json label series quiet} {
        assert_match "*--$option *" $output
    }
}

start_server {requirepass secret} {
    set at 127.0.0.1:$nodes(1,port)

    test "passwords: right, wrong, from the environment" {
        set r [good_bench closed --nodes $at --password secret --count 100 \
            --leader]
        assert_equal 100 [dict get $r ops]
        set ::env(VARD_PASSWORD) secret
        set r [good_bench closed --nodes $at --count 100]
        unset ::env(VARD_PASSWORD)
        assert_equal 100 [dict get $r ops]
        lassign [run_bench closed --nodes $at --password no --count 60 \
            --connections 3 --quiet] status output errors
        assert_equal 1 $status
        # Before or after the load began.
        assert_match "*auth*WRONGPASS*" $output$errors
        lassign [run_bench closed --nodes $at --count 60 --quiet] status output
        assert_equal 1 $status
        assert_match "*NOAUTH *60 *" $output
    }
}
