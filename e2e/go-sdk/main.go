// A program with the AWS SDK for Go, as in a job without a key. The environment gives it a role, the file of a token
// and the server's address, and nothing else. `cargo test --test clients` runs it, if GANGPLANK_GO_SDK names it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lightsail"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 1 && args[0] == "--version" {
		fmt.Println("aws-sdk-go-v2", aws.SDKVersion)
		return nil
	}
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	client := lightsail.NewFromConfig(settings)
	switch {
	case len(args) == 1 && args[0] == "login":
		return login(ctx, settings, client)
	case len(args) == 2 && args[0] == "register":
		return register(ctx, client, args[1])
	}
	return fmt.Errorf("unknown arguments: %q", args)
}

// login prints the password of a push login, after it has asked who it is.
func login(ctx context.Context, settings aws.Config, client *lightsail.Client) error {
	identity, err := sts.NewFromConfig(settings).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return err
	}
	if arn := aws.ToString(identity.Arn); !strings.Contains(arn, ":assumed-role/push-web/") {
		return fmt.Errorf("who is that: %s", arn)
	}
	made, err := client.CreateContainerServiceRegistryLogin(ctx, &lightsail.CreateContainerServiceRegistryLoginInput{})
	if err != nil {
		return err
	}
	fmt.Println(aws.ToString(made.RegistryLogin.Password))
	return nil
}

// register registers an image, and checks that the role's other actions are refused.
func register(ctx context.Context, client *lightsail.Client, digest string) error {
	input := lightsail.RegisterContainerImageInput{
		ServiceName: aws.String("web"), Label: aws.String("app"), Digest: aws.String(digest),
	}
	made, err := client.RegisterContainerImage(ctx, &input)
	if err != nil {
		return err
	}
	_, err = client.DeleteContainerService(ctx, &lightsail.DeleteContainerServiceInput{ServiceName: aws.String("web")})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "AccessDeniedException" {
		return fmt.Errorf("the role may not delete a service: %w", err)
	}
	fmt.Println(aws.ToString(made.ContainerImage.Image))
	return nil
}
