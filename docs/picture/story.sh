# The commands in the picture. They run in a room like the pages of the manual (terminal.py).
. "$BOOK/given.sh"
given docker
mkdir page
echo "Hello." > page/index.html
head -c 20000000 /dev/urandom > page/video
printf 'FROM busybox\nCOPY index.html /www/\nCOPY video /www/\nEXPOSE 8080\nCMD ["httpd", "-f", "-p", "8080", "-h", "/www"]\n' > page/Dockerfile
docker build --quiet --tag app page > /dev/null 2>&1
given server
trap - ERR
show() {
    printf '\e[32m$\e[0m \e[1m%s\e[0m\n' "$1"
    eval "$1" || true
    echo
}
clear
show 'gangplank push app --service-name web --label app --create-service'
show 'gangplank deploy web --image :web.app.1 --port 8080 --wait'
url=$(gangplank lightsail get-container-services --service-name web --query 'containerServices[0].url' --output text)
show "curl $url"
show 'docker pull 127.0.0.1:5000/web:app.1'
show 'gangplank image show :web.app.1'
