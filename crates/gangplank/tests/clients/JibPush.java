import com.google.cloud.tools.jib.api.Containerizer;
import com.google.cloud.tools.jib.api.Jib;
import com.google.cloud.tools.jib.api.RegistryImage;
import com.google.cloud.tools.jib.api.buildplan.Platform;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** Pushes an image of one file for two platforms, as Jib's plugins do, and prints its digest. */
public class JibPush {
  public static void main(String[] args) throws Exception {
    String image = args[0], secondTag = args[1], username = args[2], password = args[3], file = args[4];
    var target = RegistryImage.named(image).addCredential(username, password);
    try {
      var pushed = Jib.fromScratch()
          .setPlatforms(Set.of(new Platform("amd64", "linux"), new Platform("arm64", "linux")))
          .addLayer(List.of(Path.of(file)), "/")
          .setEntrypoint("/file")
          .containerize(Containerizer.to(target).withAdditionalTag(secondTag).setAllowInsecureRegistries(true));
      System.out.println(pushed.getDigest());
    } catch (Exception error) {
      // The plugins print the message and those of the causes.
      for (Throwable cause = error; cause != null; cause = cause.getCause()) {
        System.err.println(cause.getMessage());
      }
      System.exit(1);
    }
  }
}
