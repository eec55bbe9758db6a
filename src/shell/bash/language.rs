//! The language held against bash: every script here was run by bash 5.2 (Debian 12, `LC_ALL=C`), and this is what it printed.

use super::tests::run;

/// Script, output of both streams, exit status.
const CASES: &[(&str, &str, u8)] = &[
    (
        r#"x=; echo "${x:-d}" "${x-d}" "${y:-d e}" ${y-"a b"} ${#x} "${x:+p}" "${y+p}""#,
        r#"d  d e a b 0  
"#,
        0,
    ),
    (
        r#"f=/etc/rc.d/x.tar.gz; echo ${f##*/} ${f%.*} ${f%%.*} ${f#*/} ${f/x/y} ${f//\//_} ${f/#\/etc/E} ${f/%gz/bz} ${#f} ${f:5} ${f:5:4} ${f: -2} ${f:(-4):2}"#,
        r#"x.tar.gz /etc/rc.d/x.tar /etc/rc etc/rc.d/x.tar.gz /etc/rc.d/y.tar.gz _etc_rc.d_x.tar.gz E/rc.d/x.tar.gz /etc/rc.d/x.tar.bz 18 rc.d/x.tar.gz rc.d gz r.
"#,
        0,
    ),
    (
        r#"set -- a "b c" d; echo $# "$@" "$*" $*; for i in "$@"; do echo "<$i>"; done; for i in $*; do echo "[$i]"; done; IFS=:; echo "$*"; shift 2; echo $1 ${2-none}"#,
        r#"3 a b c d a b c d a b c d
<a>
<b c>
<d>
[a]
[b]
[c]
[d]
a:b c:d
d none
"#,
        0,
    ),
    (
        r#"a=(1 2 "3 4"); echo ${a[1]} ${#a[@]} "${a[@]}" ${a[-1]}; a[5]=x; echo ${!a[@]} ${#a[*]}; a+=(y z); echo "${a[@]:1:2}"; unset a[0]; echo ${a[*]}; for i in "${a[@]}"; do echo "<$i>"; done"#,
        r#"2 3 1 2 3 4 3 4
0 1 2 5 4
2 3 4
2 3 4 x y z
<2>
<3 4>
<x>
<y>
<z>
"#,
        0,
    ),
    (
        r#"i=5; ((i+=3)); echo $i $((i*2)) $(( i > 7 ? 1 : 0 )); let i++ j=i*2; echo $i $j; ((i==9)) && echo nine; echo $((0x10)) $((2#101)); for ((k=0;k<3;k++)); do echo -n $k; done; echo"#,
        r#"8 16 1
9 18
nine
16 5
012
"#,
        0,
    ),
    (
        r#"echo {a,b}{1,2} {1..5} {5..1..2} pre{x,y}post {a..c} a{b}c {1,2 "{a,b}""#,
        r#"a1 a2 b1 b2 1 2 3 4 5 5 3 1 prexpost preypost a b c a{b}c {1,2 {a,b}
"#,
        0,
    ),
    (
        r#"echo 'a  b' "c  d" e\ f \$x "\$x" '$x' "a\nb" $'a\nb' "`echo hi`" "$(echo "nested $(echo deep)")""#,
        r#"a  b c  d e f $x $x $x a\nb a
b hi nested deep
"#,
        0,
    ),
    (
        r#"cat <<EOF
a $HOME $((1+1)) `echo x` $(echo y) "q" 'r' \$z \\ 
EOF
cat <<'EOF'
a $HOME `x` \$z
EOF
cat <<-EOF
	tabbed
	EOF
cat <<< "here $HOME""#,
        r#"a /root 2 x y "q" 'r' $z \ 
a $HOME `x` \$z
tabbed
here /root
"#,
        0,
    ),
    (
        r#"case foo in f*) echo 1;; *) echo 2;; esac; case a in b|a) echo ba;; esac; case "a b" in "a b") echo q;; esac; case x in x) echo x;& y) echo y;; z) echo z;; esac; case x in x) echo x;;& [a-z]) echo letter;; esac; case '*' in \*) echo star;; esac"#,
        r#"1
ba
q
x
y
x
letter
star
"#,
        0,
    ),
    (
        r#"f() { local x=1; y=2; echo "$1 $#"; return 3; }; x=0; f a b; echo $? $x $y; g() { f "$@"; }; g 1 2 3; unset -f f; f"#,
        r#"a 2
3 0 2
1 3
bash: line 1: f: command not found
"#,
        127,
    ),
    (
        r#"if false; then echo a; elif true; then echo b; else echo c; fi; while read l; do echo "l=$l"; done <<< $'1\n2'; until [ "${n:=0}" -ge 2 ]; do echo n$n; ((n++)); done"#,
        r#"b
l=1
l=2
n0
n1
"#,
        0,
    ),
    (
        r#"for i in 1 2 3; do for j in 1 2 3; do [ $j = 2 ] && continue 2; [ $i = 3 ] && break 2; echo $i$j; done; done; echo end"#,
        r#"11
21
end
"#,
        0,
    ),
    (
        r#"true && echo t || echo f; false && echo t || echo f; ! true; echo $?; ! false; echo $?; (exit 4); echo $?; { echo g; } ; ( cd /; pwd ); true | false; echo $?; false | true; echo $? ${PIPESTATUS[@]}"#,
        r#"t
f
1
0
4
g
/
1
0 1 0
"#,
        0,
    ),
    (
        r#"[[ abc == a* ]] && echo m; [[ abc == "a*" ]] || echo n; [[ abc =~ ^a(b)c$ ]] && echo ${BASH_REMATCH[1]}; [[ -z "" && -n x ]] && echo z; [[ 5 -gt 3 || x == y ]] && echo g; [[ ! -e /nope ]] && echo ne; [[ a < b ]] && echo lt; x="a b"; [[ $x == "a b" ]] && echo nosplit"#,
        r#"m
n
b
z
g
ne
lt
nosplit
"#,
        0,
    ),
    (
        r#"[ a = a -a b = b ] && echo and; [ a = b -o b = b ] && echo or; [ ! -f /nope ] && echo nf; test -d /tmp && echo d; [ -n "$x" ]; echo $?; [ "" ]; echo $?; [ x ]; echo $?; [ 3 -lt 10 ] && echo lt"#,
        r#"and
or
nf
d
1
1
0
lt
"#,
        0,
    ),
    (
        r#"set -e; echo a; false || echo b; if false; then :; fi; false; echo never"#,
        r#"a
b
"#,
        1,
    ),
    (
        r#"set -e; f() { false; echo in f; }; f || echo c; f; echo never"#,
        r#"in f
"#,
        1,
    ),
    (
        r#"set -u; echo ${x:-ok}; echo $x; echo never"#,
        r#"ok
bash: line 1: x: unbound variable
"#,
        127,
    ),
    (
        r#"trap 'echo bye $?' EXIT; echo hi; (exit 3)"#,
        r#"hi
bye 3
"#,
        3,
    ),
    (
        r#"x=5; (x=6; echo $x); echo $x; echo 7 | read x; echo $x; y=$(x=8; echo $x); echo $x $y"#,
        r#"6
5
5
5 8
"#,
        0,
    ),
    (
        r#"printf '%s\n' a b; printf '%03d %5s|%-5s|\n' 7 ab cd; printf 'no newline'; printf '\n%x %o %c\n' 255 8 xyz; printf '%s %s\n' one; printf '%b\n' 'a\tb'; printf -v v '%d' 42; echo $v"#,
        r#"a
b
007    ab|cd   |
no newline
ff 10 x
one 
a	b
42
"#,
        0,
    ),
    (
        r#"echo -n a; echo -e 'x\ty\n'; echo -E 'a\tb'; echo -ne 'q\n'; echo - -- -x; echo "a\tb""#,
        r#"ax	y

a\tb
q
- -- -x
a\tb
"#,
        0,
    ),
    (
        r#"eval 'x=1; echo $x'; eval "echo \$x"; y='echo hi'; $y; z='a b'; set -- $z; echo $#"#,
        r#"1
1
hi
2
"#,
        0,
    ),
    (
        r#"echo out; echo err >&2; { echo a; echo b >&2; } 2>&1 | sort; echo x > f; echo y >> f; cat f; cat < f > g; cat g; echo z 2>/dev/null; ls nope 2>/dev/null; echo $?; echo both &> h; cat h; exec 3>&1; echo three >&3; exec 3>&-"#,
        r#"out
err
a
b
x
y
x
y
z
2
both
three
"#,
        0,
    ),
    (
        r#"export A=1; B=2; bash -c 'echo $A $B $0'; C=3 bash -c 'echo $C'; echo $C; bash -c 'echo $1 $0' x y"#,
        r#"1 bash
3

y x
"#,
        0,
    ),
    (
        r#"x="1 2 3"; for i in $x; do echo $i; done; for i in "$x"; do echo $i; done; IFS=,; y=a,b,,c; for i in $y; do echo "<$i>"; done"#,
        r#"1
2
3
1 2 3
<a>
<b>
<>
<c>
"#,
        0,
    ),
    (
        r#"getopts_test() { while getopts "ab:c" o; do echo "$o $OPTARG"; done; shift $((OPTIND-1)); echo "$@"; }; getopts_test -a -b val -c rest more"#,
        r#"a 
b val
c 
rest more
"#,
        0,
    ),
    (
        r#"touch a.txt b.txt c.sh; echo *.txt *.nope ?.sh [ab].txt "*.txt"; echo */; mkdir d; touch d/x; echo */* ./*.sh; x='*.txt'; echo $x "$x""#,
        r#"a.txt b.txt *.nope c.sh a.txt b.txt *.txt
*/
d/x ./c.sh
a.txt b.txt *.txt
"#,
        0,
    ),
    (
        r#"echo ~ ~/x "~" ~root a~; x=~/y; echo $x; cd /tmp; pwd; cd - >/dev/null; cd /; cd; echo $PWD $OLDPWD"#,
        r#"/root /root/x ~ /root a~
/root/y
/tmp
/root /
"#,
        0,
    ),
    (
        r#"f() { for a; do echo $a; done; }; f x y; declare -i n=5; n=n+2; echo $n; readonly R=1; R=2; echo after"#,
        r#"x
y
7
bash: line 1: R: readonly variable
"#,
        1,
    ),
    (
        r#"echo $((1+2)) $[3+4] $(( (1+2)*3 )) $((10/3)) $((10%3)) $((2**10)) $((1<<4)) $((5&3)) $((5|3)) $((5^3)) $((!0)) $((~5)) $((1,2)) $((-5/2))"#,
        r#"3 7 9 3 1 1024 16 1 7 6 1 -6 2 -2
"#,
        0,
    ),
    (
        r#"x=abc; echo ${x^} ${x^^} ${x,,} "${x@Q}"; y=x; echo ${!y}; echo ${!x*}; z="it's"; echo "${z@Q}""#,
        r#"Abc ABC abc 'abc'
abc
x
'it'\''s'
"#,
        0,
    ),
    (
        r#"for i in 1 2 3
do
  echo $i
done | while read n; do echo "n $n"; done; echo 'a:b:c' | { IFS=: read x y z; echo $z $y $x; }; echo "a b  c" | { read -a arr; echo ${#arr[@]} ${arr[2]}; }"#,
        r#"n 1
n 2
n 3
c b a
3 c
"#,
        0,
    ),
    (
        r#"set -x; a=1; echo "$a b" c; [ 1 = 2 ]; [[ $a == 1 ]]; (( a++ )); for i in 1; do :; done; x=$(echo q); case $a in 2) ;; esac; f() { echo $1; }; f "a b"; echo > zz"#,
        r#"+ a=1
+ echo '1 b' c
1 b c
+ '[' 1 = 2 ']'
+ [[ 1 == 1 ]]
+ ((  a++  ))
+ for i in 1
+ :
++ echo q
+ x=q
+ case $a in
+ f 'a b'
+ echo a b
a b
+ echo
"#,
        0,
    ),
    (
        r#"echo "a" "b" | tr a-z A-Z; echo abc | grep -q b && echo found; seq 3 | wc -l; seq 5 | head -2 | tail -1"#,
        r#"A B
found
3
2
"#,
        0,
    ),
    (
        r#"sleep 0.1 & wait; echo $?; (sleep 0.1; exit 5) & wait $!; echo $?; sleep 0.2 & p=$!; kill $p; wait $p; echo $?"#,
        r#"0
5
143
"#,
        0,
    ),
    (
        r#"x=1 y=2; echo $x$y; x=3 echo $x; x+=4; echo $x; : ${q:=def}; echo $q; unset x; echo "[$x]""#,
        r#"12
1
14
def
[]
"#,
        0,
    ),
    (
        r#"echo one; exit 3; echo two"#,
        r#"one
"#,
        3,
    ),
    (
        r#"a() { b; }; b() { return 9; }; a; echo $?; r() { local i=$1; [ $i -gt 0 ] && { echo $i; r $((i-1)); }; }; r 3"#,
        r#"9
3
2
1
"#,
        1,
    ),
    (
        r#"while true; do echo x; break; done; until false; do echo y; break; done; for i in 1 2; do continue; echo no; done; echo $?; for i in; do echo no; done; echo $?"#,
        r#"x
y
0
0
"#,
        0,
    ),
    (
        r#"echo "line1
line2" | while IFS= read -r line; do echo "[$line]"; done"#,
        r#"[line1]
[line2]
"#,
        0,
    ),
    (
        r#"f() { cat; }; echo piped | f; f <<< str; { read a; read b; echo $b$a; } <<X
1
2
X"#,
        r#"piped
str
21
"#,
        0,
    ),
    (
        r#"echo a \
b; echo 'x
y'; echo "p\
q"; # comment
echo z # comment; not
echo a#b"#,
        r#"a b
x
y
pq
z
a#b
"#,
        0,
    ),
    (
        r#"f() { [ 1 -eq 0 ] && return 0 || return 1; }; f; echo $?"#,
        r#"1
"#,
        0,
    ),
    (
        r#"x=$(cat <<X
hi $((1+1))
X
); echo "$x"; echo "$(for i in 1 2; do echo $i; done)"; echo `echo \`echo in\``; echo "$(case a in a) echo case;; esac)""#,
        r#"hi 2
1
2
in
case
"#,
        0,
    ),
    (
        r#"n=3; while [ $n -gt 0 ]; do let n=$n-1; echo $n; done; let "n = 5 * 2"; echo $n; let n=0; echo $?; ((0)); echo $?; ((n=7)); echo $?"#,
        r#"2
1
0
10
1
1
0
"#,
        0,
    ),
    (
        r#"echo "x y" > "a b"; cat "a b"; cat a\ b; rm "a b"; ls; mkdir -p p/q; cd p; ls; cd ..; rmdir p/q; ls p; rm -r p"#,
        r#"x y
x y
q
"#,
        0,
    ),
    (
        r#"nosuch; echo $?; ./nosuch; /etc; cat nosuch; cd nosuch; echo $?; . nosuch; echo $?; nosuch | cat; (nosuch); x=$(nosuch); echo $?; [ x; foo=bar nosuch"#,
        r#"bash: line 1: nosuch: command not found
127
bash: line 1: ./nosuch: No such file or directory
bash: line 1: /etc: Is a directory
cat: nosuch: No such file or directory
bash: line 1: cd: nosuch: No such file or directory
1
bash: line 1: nosuch: No such file or directory
1
bash: line 1: nosuch: command not found
bash: line 1: nosuch: command not found
bash: line 1: nosuch: command not found
127
bash: line 1: [: missing `]'
bash: line 1: nosuch: command not found
"#,
        127,
    ),
    (
        r#"echo $(( 1 + )); echo same; 
echo next; echo $((08)); 
let 1+; echo ${x!y}
echo last"#,
        r#"bash: line 1: 1 + : syntax error: operand expected (error token is "+ ")
next
bash: line 2: 08: value too great for base (error token is "08")
bash: line 3: let: 1+: syntax error: operand expected (error token is "+")
bash: line 3: ${x!y}: bad substitution
last
"#,
        0,
    ),
    (
        r#"[ 1 -eq ]; [ a b c ]; [ = ]; [ -f ]; echo $?; [ "" -eq 1 ]; test -n; echo $?; [ ! ]; echo $?; [ ! x ]; echo $?"#,
        r#"bash: line 1: [: 1: unary operator expected
bash: line 1: [: b: binary operator expected
0
bash: line 1: [: : integer expression expected
0
0
1
"#,
        0,
    ),
    (
        r#"[ 1 -eq x ] || echo err $?; [[ x -eq 0 ]] && echo zero; [[ 1+1 -eq 2 ]] && echo two; [ '(' a ')' ] && echo p; [ -a = -a ] && echo eq"#,
        r#"bash: line 1: [: x: integer expression expected
err 2
zero
two
p
eq
"#,
        0,
    ),
    (
        r#"set -o pipefail; false | true; echo $?; set +o pipefail; false | true; echo $?; set -f; echo *; set +f; set -- -a b; echo $1; set a b c; echo $#"#,
        r#"1
0
*
-a
3
"#,
        0,
    ),
    (
        r#"echo ${undefined}x"${undefined}"y; echo "a"'b'c"d e"; e=""; echo $e "" "$e" | wc -c; set -- $e "" "$e"; echo $#"#,
        r#"xy
abcd e
2
2
"#,
        0,
    ),
    (
        r#"{ echo a; echo b; } > f; wc -l < f; echo c >> f; while read x; do echo -n $x; done < f; echo; cat f | while read x; do y=$x; done; echo "[$y]"; mapfile -t m < f; echo ${#m[@]} ${m[1]}"#,
        r#"2
abc
[]
3 b
"#,
        0,
    ),
    (
        r#"echo 1 2>&1 >/dev/null; echo 2 >/dev/null 2>&1; nosuch 2>/dev/null; nosuch &>/dev/null; nosuch > /dev/null 2>&1; nosuch >& /dev/null; echo $?; (echo x; nosuch) 2>&1 | cat"#,
        r#"127
x
bash: line 1: nosuch: command not found
"#,
        0,
    ),
    (
        r#"echo "unterminated"#,
        r#"bash: -c: line 1: unexpected EOF while looking for matching `"'
"#,
        2,
    ),
    (
        r#"if true; then echo a; }"#,
        r#"bash: -c: line 1: syntax error near unexpected token `}'
bash: -c: line 1: `if true; then echo a; }'
"#,
        2,
    ),
    (
        r#"echo a | | b"#,
        r#"bash: -c: line 1: syntax error near unexpected token `|'
bash: -c: line 1: `echo a | | b'
"#,
        2,
    ),
    (
        r#"&& a"#,
        r#"bash: -c: line 1: syntax error near unexpected token `&&'
bash: -c: line 1: `&& a'
"#,
        2,
    ),
    (
        r#"echo a;; echo b"#,
        r#"bash: -c: line 1: syntax error near unexpected token `;;'
bash: -c: line 1: `echo a;; echo b'
"#,
        2,
    ),
    (
        r#"echo $(echo a"#,
        r#"bash: -c: line 2: unexpected EOF while looking for matching `)'
"#,
        2,
    ),
    (
        r#"echo `a"#,
        r#"bash: -c: line 1: unexpected EOF while looking for matching ``'
"#,
        2,
    ),
    (
        r#"echo ok
if [ 1 ]; then
  for i in 1; do
    echo
  fi
done"#,
        r#"ok
bash: -c: line 5: syntax error near unexpected token `fi'
bash: -c: line 5: `  fi'
"#,
        2,
    ),
    (
        r#"function foo { echo foo; }; foo; function bar() { echo bar; }; bar; baz () { echo baz; }; baz; qux()
{
echo qux
}
qux"#,
        r#"foo
bar
baz
qux
"#,
        0,
    ),
    (
        r#"echo a & wait; { echo c; } & wait; (echo d) & wait"#,
        r#"a
c
d
"#,
        0,
    ),
    (
        r#"x=10; f() { local x=20; g; }; g() { echo $x; x=30; }; f; echo $x; h() { local a b=2 c; echo "$a|$b|$c"; }; h; k() { local v=$(echo hi there); echo $v; }; k"#,
        r#"20
10
|2|
hi there
"#,
        0,
    ),
    (
        r#"declare -a arr; arr[3]=x; echo ${#arr[@]}; declare -p arr; arr=(); echo ${#arr[@]}; b=([2]=two [0]=zero); echo ${b[@]} ${!b[@]}; declare -x E=1; declare -p E; declare -r Q=1; declare -p Q"#,
        r#"1
declare -a arr=([3]="x")
0
zero two 0 2
declare -x E="1"
declare -r Q="1"
"#,
        0,
    ),
    (
        r#"s="a,b;c d"; IFS=',; '; set -- $s; echo $# $1 $3; unset IFS; echo "x  y" z; v=" lead trail "; echo [$v]; echo "[$v]"; for w in a$v; do echo "<$w>"; done; for w in $v$v; do echo "<$w>"; done"#,
        r#"4 a c
x  y z
[ lead trail ]
[ lead trail ]
<a>
<lead>
<trail>
<lead>
<trail>
<lead>
<trail>
"#,
        0,
    ),
    (
        r#"echo "$(printf 'a\n\n\n')x"; echo ok"#,
        r#"ax
ok
"#,
        0,
    ),
    (
        r#"echo ${RANDOM:+r} ${SECONDS} $LINENO"#,
        r#"r 0 1
"#,
        0,
    ),
    (
        r#"echo a > f; echo 1 > f/x; echo > /; cat f/x; rm f/; mkdir f; touch d/e; ls nope; cp a; cp nope b; mv nope b; chmod 999 f; chmod +x nope"#,
        r#"bash: line 1: f/x: Not a directory
bash: line 1: /: Is a directory
cat: f/x: Not a directory
rm: cannot remove 'f/': Not a directory
mkdir: cannot create directory 'f': File exists
touch: cannot touch 'd/e': No such file or directory
ls: cannot access 'nope': No such file or directory
cp: missing destination file operand after 'a'
Try 'cp --help' for more information.
cp: cannot stat 'nope': No such file or directory
mv: cannot stat 'nope': No such file or directory
chmod: invalid mode: '999'
Try 'chmod --help' for more information.
chmod: cannot access 'nope': No such file or directory
"#,
        1,
    ),
    (
        r#"f() { echo "args: $@"; shift; echo "$1"; }; f a b c; echo "$@"; f() { return; }; false; f; echo $?; true; f; echo $?"#,
        r#"args: a b c
b

1
0
"#,
        0,
    ),
    (
        r#"exec 2>/dev/null; nosuch; echo still; exec echo replaced; echo never"#,
        r#"still
replaced
"#,
        0,
    ),
    (
        r#"(cd /tmp; echo $PWD); echo $PWD; x=1; { x=2; }; echo $x; (trap 'echo sub' EXIT; echo in); echo out"#,
        r#"/tmp
/root
2
in
sub
out
"#,
        0,
    ),
    (
        r#"trap 'echo int' INT; trap; trap - INT; trap 'echo x; exit 9' EXIT; exit 2"#,
        r#"trap -- 'echo int' SIGINT
x
"#,
        9,
    ),
    (
        r#"a=1; a+=2; echo $a; b=(1); b+=(2 3); echo ${b[@]}; b[1]+=x; echo ${b[1]}; unset b; echo ${b[@]:-unset}"#,
        r#"12
1 2 3
2x
unset
"#,
        0,
    ),
    (
        r#"while read a b; do echo "$b $a"; done <<X
1 2
3 4 5
X
echo x | while read y; do echo $y; done"#,
        r#"2 1
4 5 3
x
"#,
        0,
    ),
    (
        r#"ip="192.168.1.200"; IFS=. read a b c d <<< "$ip"; echo $a-$d; echo ${ip%.*}.0; echo ${ip//./-}; oct=(${ip//./ }); echo ${#oct[@]} ${oct[3]}"#,
        r#"192-200
192.168.1.0
192-168-1-200
4 200
"#,
        0,
    ),
    (
        r#"i=0; while ((i<3)); do echo $((i++)); done; for ((i=0, j=10; i<j; i+=4, j--)); do echo $i $j; done; echo $(( i = 5, i * 2 )); echo $i"#,
        r#"0
1
2
0 10
4 9
10
5
"#,
        0,
    ),
    (
        r#"nosuchcmd --opt | grep x; echo "${PIPESTATUS[@]}"; true; echo a | cat | cat; ! nosuchcmd2; echo $?"#,
        r#"bash: line 1: nosuchcmd: command not found
127 1
a
bash: line 1: nosuchcmd2: command not found
0
"#,
        0,
    ),
    (
        r#"cat <<A; cat <<B
one
A
two
B"#,
        r#"one
two
"#,
        0,
    ),
    (
        r#"if [ "$a" == "" ]; then echo e; fi; [ "a" == "a" ] && echo same; [ a \< b ] && echo lt; [ "x" -a "y" ] && echo both; [ 1 ] && [ 0 ] && echo nonempty"#,
        r#"e
same
lt
both
nonempty
"#,
        0,
    ),
    (
        r#"a='*'; echo "$a"; [ "$a" = '*' ] && echo star; case $a in '*') echo lit;; esac; b='a b'; c=$b; echo "$c"; d="$b"x; echo $d"#,
        r#"*
star
lit
a b
a bx
"#,
        0,
    ),
    (
        r#"f() { local IFS=,; echo "$*"; }; f a b c; echo "$IFS" | wc -c; g() { local -a arr=(1 2); echo ${#arr[@]}; }; g; h() { local n; n=$(false); echo $?; local m=$(false); echo $?; }; h"#,
        r#"a,b,c
4
2
1
0
"#,
        0,
    ),
    (
        r#"x='a  b'; echo $x; y="$x"; echo "$y"; set -- "$x"; echo $#; set -- $x; echo $#; z=($x); echo ${#z[@]}; z=("$x"); echo ${#z[@]}"#,
        r#"a b
a  b
1
2
2
1
"#,
        0,
    ),
    (
        r#"echo "${x:=$(echo v)}"; echo ${x:+"a b"} ; for i in ${x:+"a b" c}; do echo "<$i>"; done; echo "${y:-"quoted d"}" ${y:-'s q'} "${y:-'s q'}""#,
        r#"v
a b
<a b>
<c>
quoted d s q 's q'
"#,
        0,
    ),
    (
        r#"echo -e "b 2\na 10\nc 1" | sort -k2 -n; echo -e "b 2\na 10\nc 1" | sort -k2; echo -e "x\ny" | sort -r; printf 'a:3\nb:1\n' | sort -t: -k2; printf '1\n1\n2\n' | uniq -c"#,
        r#"c 1
b 2
a 10
c 1
a 10
b 2
y
x
b:1
a:3
      2 1
      1 2
"#,
        0,
    ),
    (
        r#"printf 'a\nb\nc\nd\n' > f; head -n2 f; tail -n +3 f; head -c 3 f; tail -c 2 f; wc f; wc -l f f; nl f; cat -n f; tac f; cat -A f; head -n -1 f; head -2 f f"#,
        r#"a
b
c
d
a
bd
4 4 8 f
 4 f
 4 f
 8 total
     1	a
     2	b
     3	c
     4	d
     1	a
     2	b
     3	c
     4	d
d
c
b
a
a$
b$
c$
d$
a
b
c
==> f <==
a
b

==> f <==
a
b
"#,
        0,
    ),
    (
        r#"printf 'a b c\nd e f\n1 2 3\n' > f; awk '{print $2}' f; awk 'NR==2{print NF,$0}' f; awk -F' ' 'END{print NR}' f; awk '$1>0' f; awk '/e/{print "m:" $1}' f; awk '{s=s $3} END{print s}' f; awk 'BEGIN{printf "%d %s %.2f\n", 3.9, "x", 2.345}'; awk '{$2="X"}1' f; awk '{print $NF}' OFS=- f; awk -v n=2 'NR<=n' f; awk '{a[NR]=$1} END{for(i=NR;i>0;i--) print a[i]}' f"#,
        r#"b
e
2
3 d e f
3
a b c
d e f
1 2 3
m:d
cf3
3 x 2.35
a X c
d X f
1 X 3
c
f
3
a b c
d e f
1
d
a
"#,
        0,
    ),
    (
        r#"printf '1\n2\n3\n4\n5\n' | awk '{s+=$1} END {print s/NR, s}'; printf '3\n1\n2\n' | awk 'NR==1||$1>m{m=$1} END{print m}'; seq 10 | awk 'NR%2'; seq 5 | awk '/2/,/4/'; echo 'a:b' | awk 'BEGIN{FS=":";OFS="-"}{$1=$1;print}'; awk 'BEGIN{x["a"]=1; if("a" in x) print "y"; if(!("b" in x)) print "n"}'; awk 'BEGIN { while (i<3) { i++; if (i==2) continue; print i } }'; awk 'function f(a,b){return a+b} BEGIN{print f(1,2)}'; echo "foo bar foo" | awk '{n=gsub(/foo/,"X"); print n, $0}'; echo abc | awk '{gsub("b","[&]"); print}'; echo aXbX | awk '{sub("X$",""); print}'"#,
        r#"3 15
3
1
3
5
7
9
2
3
4
a-b
y
n
1
3
3
2 X bar X
a[b]c
aXb
"#,
        0,
    ),
    (
        r#"printf 'a\nb\nc\nd\n' | sed -n '2,3!p'; printf 'a\nb\nc\nd\n' | sed '2{h;d};${G}'; printf 'x 1\ny 2\n' | sed 's/\([a-z]\) \([0-9]\)/\2-\1/;t;s/$/no/'; printf 'a b\n' | sed 's/ /\n/'; printf 'a/b\n' | sed 's/\//:/'; printf 'abc\n' | sed 's/B/x/I'; printf 'aaa\n' | sed 's/a/b/2g'; printf 'net.ipv4.ip_forward = 0\n' | sed 's/\(ip_forward *= *\).*/\11/'; printf '#c\nx\n' | sed '/^#/d'; printf 'k=v\n' | sed -n 's/^k=//p'; printf 'abc' | sed 's/b/X/'; printf 'a\tb\n' | sed 's/\t/ /'; printf '1\n2\n3\n' | sed -n '2{p;q}'; printf '1\n2\n3\n' | sed '2Q'; printf 'p q\n' | sed 's/\w\+/<&>/g'; printf 'foo\n' | sed 's/o\{2\}/0/;s/^/-/'; echo hello | sed 's/l/L/3'; echo hello | sed -E 's/(l+)/[\1]/'; echo a.b | sed 's/\./-/'; echo aab | sed 's/a*\(b\)/\1/'"#,
        r#"a
d
a
c
d
b
1-x
2-y
a
b
a:b
axc
abb
net.ipv4.ip_forward = 1
x
v
aXca b
2
1
<p> <q>
-f0
hello
he[ll]o
a-b
b
"#,
        0,
    ),
    (
        r#"printf '3\n1\n2\n' | sort | tac | tr '\n' ' '; echo; echo 'a  b   c' | tr -s ' ' | cut -d' ' -f2-; echo abc | tr -d b; echo abc | tr 'a-c' 'A-C'; echo "a:b:c" | cut -d: -f1,3; echo abcdef | cut -c2-4; paste </dev/null 2>/dev/null; echo -e 'x\nx\ny' | uniq -c; echo -e 'b\na' | sort -r; echo 12 | expr 3 + 4; expr length hello; expr substr hello 2 3; expr 5 '>' 3; basename /a/b.c .c; dirname /a/b/c; seq -s, 1 5; seq 1 .5 2"#,
        r#"3 2 1 
b c
ac
ABC
a:c
bcd
      2 x
      1 y
b
a
7
5
ell
1
b
/a/b
1,2,3,4,5
1.0
1.5
2.0
"#,
        0,
    ),
    (
        r#"while read -r ip port; do [ -z "$ip" ] && continue; echo "$ip -> $port"; done <<X
10.0.0.1 80

10.0.0.2 443
X"#,
        r#"10.0.0.1 -> 80
10.0.0.2 -> 443
"#,
        0,
    ),
    (
        r#"VIP=10.0.0.1; case "$VIP" in 10.*) echo ten;; 192.168.*) echo priv;; esac; if [[ $VIP =~ ^([0-9]+)\.([0-9]+) ]]; then echo ${BASH_REMATCH[2]}; fi; n=$(echo "$VIP" | tr '.' '\n' | wc -l); echo $n; set -- ${VIP//./ }; echo $3"#,
        r#"ten
0
4
0
"#,
        0,
    ),
    (
        r#"log() { local level=$1; shift; echo "[$level] $*"; }; log INFO hello world; die() { log ERR "$@" >&2; exit 1; }; (die oops); echo $?; retry() { local n=0; until [ $n -ge 3 ]; do n=$((n+1)); false && break; done; echo tried $n; }; retry"#,
        r#"[INFO] hello world
[ERR] oops
1
tried 3
"#,
        0,
    ),
    (
        r#"exec 5<<< "line1"; read -u 5 x; echo $x; exec 6> out6; echo hi >&6; exec 6>&-; cat out6; echo err 2>&1 1>&2 2>/dev/null | cat; { echo a; echo b >&2; } > o 2> e; cat o e; echo x | tee t1 | tr x y; cat t1; : > empty; wc -c empty; cat nofile 2>&1 | grep -c No; ( echo in; exit 2 ) > sub; echo $? $(cat sub)"#,
        r#"line1
hi
err
a
b
y
x
0 empty
1
2 in
"#,
        0,
    ),
    (
        r#"i=10; while ((i-->7)); do echo $i; done; a=5; b=$((a>3?a*2:0)); echo $b; ((a+=b, b=0)); echo $a $b; echo $((a&1)) $((a<<2)) $((017)) $((0xff)) $((36#z)); x=3; y=x; echo $((y+1)); echo $(( $(echo 2) + 3 )); z=; echo $((z+1)) $((unset_v+1)); echo $((1,2,3)); let 'q = 3' 'r=q+1'; echo $q$r; declare -i d=3+4; echo $d"#,
        r#"9
8
7
10
15 0
1 60 15 255 35
4
5
1 1
3
34
7
"#,
        0,
    ),
    (
        r#"shopt -s nullglob; echo *.none; shopt -u nullglob; echo *.none; set -- *; echo $#; touch 'a b' c; for f in *; do echo "<$f>"; done; for f in "a b"; do [ -e "$f" ] && echo there; done; rm -- 'a b'; echo [c]; echo [!c]; echo c*; echo \*; echo "*""#,
        r#"
*.none
1
<a b>
<c>
there
c
[!c]
c
*
*
"#,
        0,
    ),
    (
        r#"false; echo $?; true && (exit 3); echo $?; ! (exit 3); echo $?; f() { return 300; }; f; echo $?; (exit -1); echo $?; exit 256"#,
        r#"1
3
0
44
255
"#,
        0,
    ),
    (
        r#"trap 'echo cleanup' EXIT; f() { trap 'echo f' EXIT; }; f; echo body; exit 0"#,
        r#"body
f
"#,
        0,
    ),
    (
        r#"cat <<E | grep -v '^#' | while read a b; do echo "$b/$a"; done
# comment
x 1
y 2
E"#,
        r#"1/x
2/y
"#,
        0,
    ),
    (
        r#"x=$'a\nb'; echo "$x"; echo $x; printf '%s\n' "$x" | wc -l; y="${x//$'\n'/,}"; echo $y; printf '%s|' a 'b c' ''; echo; printf '%-10s|%5.1f|%03d\n' name 3.14159 7; printf '%s\n' *.nofiles; printf "%d%%\n" 50; printf '\x41\102\n'; printf '%s %s\n' a b c d"#,
        r#"a
b
a b
2
a,b
a|b c||
name      |  3.1|007
*.nofiles
50%
AB
a b
c d
"#,
        0,
    ),
    (
        r#"arr=(a b c); for i in "${!arr[@]}"; do echo "$i=${arr[$i]}"; done; arr+=(d); echo ${#arr[@]} ${arr[@]:1:2} ${arr[-1]}; unset 'arr[1]'; echo "${arr[@]}" ${!arr[@]}; brr=("${arr[@]}"); echo ${#brr[@]}; n=1; arr[n+1]=Z; echo ${arr[2]}; echo ${arr[$n+1]}; IFS=,; echo "${arr[*]}""#,
        r#"0=a
1=b
2=c
4 b c d
a c d 0 2 3
3
Z
Z
a,Z,d
"#,
        0,
    ),
    (
        r#"a=1; b=$a$a; c="${a}x"; d=${a:-2}${e:-3}; echo $b $c $d; a=x; eval $a=5; echo $x; v=a; echo ${!v}; readonly ro=1; unset ro; echo $?; export ex=1; env | grep ^ex=; (unset ex; env | grep -c ^ex=); echo ${a?err} ${#a}; : ${u:?is unset}; echo never"#,
        r#"11 1x 13
5
x
bash: line 1: unset: ro: cannot unset: readonly variable
1
ex=1
0
x 1
bash: line 1: u: is unset
"#,
        127,
    ),
    (
        r#"f() { echo "$#:$1:$2"; }; f "" x; f $empty x; f "$empty" x; f "a b" c; f a\ b c; f 'a"b' "c'd"; f $(echo a b) c; f "$(echo a b)" c; g() { f "$@"; }; g "1 2" 3; h() { f $*; }; h "1 2" 3; k() { f "$*"; }; k "1 2" 3"#,
        r#"2::x
1:x:
2::x
2:a b:c
2:a b:c
2:a"b:c'd
3:a:b
2:a b:c
2:1 2:3
3:1:2
1:1 2 3:
"#,
        0,
    ),
];

#[test]
fn scripts_print_what_bash_prints() {
    for (script, out, status) in CASES {
        assert_eq!(run(script), ((*out).to_string(), *status), "{script}");
    }
}
