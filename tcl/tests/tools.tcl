# The tools that people use: redis-cli, redis-benchmark, hiredis, vardctl.

start_cluster 3 {} {
    set lead [wait_for_leader]
    set follow [lindex [followers $lead] 0]

    test "redis-cli: a session through a pipe" {
        set text [exec redis-cli -p $nodes($follow,port) << \
            "SET greeting \"hello world\"\nGET greeting\nINCR visits\nNOSUCH\nGET none\n"]
        assert_equal "OK\nhello world\n1" [join [lrange [split $text \n] 0 2] \n]
        assert_match "*ERR unknown command 'NOSUCH'*" $text
    }

    test "redis-cli: arguments, RESP3, --raw, --csv, -x" {
        assert_equal OK [exec redis-cli -p $nodes($lead,port) SET a b]
        assert_equal b [exec redis-cli -3 -p $nodes($lead,port) GET a]
        assert_equal {"b",NULL} \
            [exec redis-cli --csv -p $nodes($lead,port) MGET a none]
        exec redis-cli -x -p $nodes($follow,port) SET file < $root/tcl/run.tcl
        assert_equal [file size $root/tcl/run.tcl] \
            [R $lead STRLEN file]
        assert_equal 5 [exec redis-cli -n 3 -p $nodes($lead,port) APPEND x 12345]
    }

    test "redis-cli --pipe: mass insertion" {
        set path $::env(VARD_TEST_DIR)/mass
        set fd [open $path w]
        fconfigure $fd -translation binary
        for {set i 0} {$i < 20000} {incr i} {
            puts -nonewline $fd "*3\r\n\$3\r\nSET\r\n\$[string length mass$i]\r\nmass$i\r\n\$1\r\nx\r\n"
        }
        close $fd
        set text [exec redis-cli -p $nodes($follow,port) --pipe < $path]
        assert_match "*errors: 0, replies: 20000*" $text
        assert_equal 1 [R $lead EXISTS mass19999]
    }

    test "redis-cli in a terminal asks for COMMAND DOCS and works" {
        if {[auto_execok script] eq ""} return
        set out $::env(VARD_TEST_DIR)/terminal
        # Typed slowly: what comes before the prompt is thrown away.
        set typing "for line in 'SET tty yes' 'GET tty' quit; do sleep 1;\
            printf '%s\\r' \"\$line\"; done; sleep 1"
        set terminal "stty cols 80 rows 24; redis-cli -p $nodes($follow,port)"
        exec sh -c "($typing) | TERM=vt100 timeout 20 script -qec '$terminal'\
            $out" > /dev/null
        assert_match "*OK*yes*" [read_file $out]
        assert_match "*cmdstat_command*" [R $follow INFO commandstats]
    }

    test "redis-cli --stat reads INFO" {
        lassign [run_program timeout 2 stdbuf -oL redis-cli -p $nodes($lead,port) --stat \
            -i 1] status output
        assert_match "*keys*" $output
    }

    test "redis-cli --bigkeys, --memkeys, --scan against each node" {
        R $lead FLUSHALL
        R $lead SET bigstring [string repeat x 30000]
        R $lead RPUSH biglist a b c
        R $lead SADD bigset a b
        R $lead ZADD bigzset 1 a
        R $lead HSET bighash f v
        R $lead XADD bigstream * f v
        foreach id $cluster::ids {
            set port $nodes($id,port)
            set text [exec redis-cli -p $port --bigkeys]
            assert_match "*string found '\"bigstring\"' has 30000 bytes*" $text
            assert_match "*Sampled 6 keys*list found '\"biglist\"' has 3*" $text
            assert {![regexp -nocase {err} $text]} $text
            set text [exec redis-cli -p $port --memkeys]
            assert_match "*Sampled 6 keys*stream found '\"bigstream\"'*" $text
            assert {![regexp -nocase {err} $text]} $text
            assert_equal 6 [llength [exec redis-cli -p $port --scan]]
        }
    }

    test "redis-benchmark against each node" {
        foreach id $cluster::ids {
            lassign [run_program timeout 60 redis-benchmark -q \
                -p $nodes($id,port) -t set,get,incr -n 3000 -c 20 -P 4] \
                status output
            assert_equal 0 $status $output
            assert_match "*INCR: * requests per second*" $output
            assert {![regexp -nocase {err} $output]} $output
        }
    }

    test "hiredis: blocking and asynchronous" {
        foreach id [list $lead $follow] {
            lassign [run_program timeout 60 $hiredis_client 127.0.0.1 \
                $nodes($id,port)] status output
            assert_equal "hiredis: ok" $output
        }
    }

    test "vardctl: get put del cas cad, exit statuses" {
        set cluster [addresses [list $follow $lead]]
        foreach {command status output} {
            {put ctl v1} 0 OK
            {get ctl} 0 v1
            {cas ctl v1 v2} 0 OK
            {cas ctl v1 v3} 1 *expected*
            {cad ctl v9} 1 *expected*
            {cad ctl v2} 0 OK
            {get ctl} 1 *no*key*
            {del ctl} 1 *no*key*
            {get} 2 *arguments*
            {nosuch} 2 *unknown*
        } {
            lassign [run_program $vardctl --cluster $cluster {*}$command] \
                got text
            assert_equal $status $got "$command: $text"
            assert_match $output $text $command
        }
    }

    test "vardctl: an answer that cannot be written is not 'not executed'" {
        lassign [run_program sh -c {exec "$@" >/dev/full} sh $vardctl \
            --cluster $cluster put unseen 1] status output
        assert_equal 4 $status
        assert_match "*the answer cannot be written*" $output
        lassign [run_program $vardctl --cluster $cluster get unseen] \
            status output
        assert_equal {0 1} [list $status [string trim $output]]
    }

    test "vardctl status: all nodes found through one" {
        set lead [wait_for_leader]
        set follow [lindex [followers $lead] 0]
        assert_equal {0 healthy} [run_program $vardctl \
            --cluster [addresses $follow] wait healthy 20]
        lassign [run_program $vardctl --cluster [addresses $follow] status] \
            status output
        assert_equal 0 $status $output
        foreach id $cluster::ids {
            assert_match "*127.0.0.1:$nodes($id,port)*" $output
        }
        assert_match "*healthy, 3 of 3 nodes up, leader $lead *" $output
    }

    test "vardctl: its version; a list without a node" {
        foreach option {version --version -v} {
            lassign [run_program $vardctl $option] status output
            assert_equal 0 $status
            assert_match "vardctl *" $output
        }
        lassign [run_program $vardctl --cluster 127.0.0.1:[free_port] status] \
            status output
        assert_equal 3 $status
        assert_match "*DOWN*no node answers*--cluster*" $output
    }

    test "vardctl status: a node that hangs is said to be there" {
        signal_process $nodes($follow,pid) STOP
        lassign [run_program $vardctl --cluster [addresses $lead] status] \
            status output
        signal_process $nodes($follow,pid) CONT
        assert_equal 1 $status $output
        assert_match "*\n$follow *DOWN*no answer in time*NOT healthy*" $output
        set lead [wait_for_leader]
        set follow [lindex [followers $lead] 0]
    }

    test "vardctl transfer" {
        lassign [run_program $vardctl --cluster [addresses $follow] transfer \
            $follow] status output
        assert_equal 0 $status $output
        wait_for_condition 5000 {[leader_now] == $follow}
        set lead [wait_for_leader]
        set follow [lindex [followers $lead] 0]
    }

    test "vardctl finds its way with one and with two nodes down" {
        kill_node $lead
        set cluster [addresses $cluster::ids]
        lassign [run_program $vardctl --cluster $cluster put down 1] \
            status output
        assert_equal 0 $status $output
        lassign [run_program $vardctl --cluster $cluster status] status output
        assert_equal 1 $status
        assert_match "*2 of 3 nodes up*" $output
        kill_node $follow
        lassign [run_program $vardctl --cluster $cluster --timeout 3 get down] \
            status output
        assert_equal 3 $status $output
        lassign [run_program $vardctl --cluster $cluster status] status output
        assert_equal 3 $status
        assert_match "*NO LEADER*" $output
        restart_node $follow
        restart_node $lead
        wait_for_leader
        lassign [run_program $vardctl --cluster $cluster get down] status output
        assert_equal "0 1" "$status $output"
    }
}
