# What the recording begins with: a bare repository with the hook, and two branches, each green by itself.
git init --quiet --bare --initial-branch=main app.git
git init --quiet --initial-branch=main app
cd app
git remote add origin ../app.git
cat > .orch-gates.yaml <<END
stages:
  - {name: development, role: developer, gates: [merge, merge-proof]}
rework: development
merge: {test: sh test.sh, fence: hook}
END
echo 'for test in test_*.py; do python3 -B "$test" || exit 1; done' > test.sh
printf 'def hello():\n    return "Hello"\n' > greet.py
printf 'import greet\n\nassert greet.hello() == "Hello"\n' > test_greet.py
git add .
git commit --quiet -m "Start"
git push --quiet origin main
git remote set-head origin main
orch-gates state init
orch-gates hook install ../app.git

git switch --quiet -c task/T-1
sed -i 's/hello/greeting/' greet.py test_greet.py
sh test.sh
git commit --quiet -am "Rename hello to greeting"
git push --quiet origin task/T-1
orch-gates task new T-1 "Rename hello to greeting"

git switch --quiet -c task/T-2 main
printf 'import greet\n\nassert greet.hello().upper() == "HELLO"\n' > test_loud.py
sh test.sh
git add .
git commit --quiet -m "Greet loudly"
git push --quiet origin task/T-2
orch-gates task new T-2 "Greet loudly"

git switch --quiet -c feature main
echo "token = \"ghp_$(head -c 400 /dev/urandom | base64 | tr -dc A-Za-z0-9 | head -c 36)\"" > config.py
git add config.py
